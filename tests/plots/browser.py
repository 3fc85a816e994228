"""Chromium without a display, driven through chromedriver's W3C WebDriver protocol. All that it writes lies in a folder
that goes with it."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request

CHROMIUM = shutil.which("chromium")
CHROMEDRIVER = shutil.which("chromedriver")
ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--disable-dev-shm-usage", "--hide-scrollbars", "--force-device-scale-factor=1")


class Browser:
    """A browser with one window; close() ends all of its processes."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="browser-")
        environment = os.environ | {"HOME": self.folder, "TMPDIR": self.folder, "XDG_CONFIG_HOME": self.folder,
                                    "XDG_CACHE_HOME": self.folder, "XDG_RUNTIME_DIR": self.folder}
        self.driver = subprocess.Popen([CHROMEDRIVER, "--port=0"], env=environment, stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL, text=True, start_new_session=True)
        self.session = None
        try:
            self.address = f"http://127.0.0.1:{self._port()}"
            options = {"binary": CHROMIUM, "args": [*ARGUMENTS, f"--user-data-dir={self.folder}/profile"]}
            made = self._call("POST", "/session", {"capabilities": {"alwaysMatch": {
                "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}})
            self.session = made["sessionId"]
        except BaseException:
            self.close()
            raise

    def _port(self):
        for line in self.driver.stdout:
            if "started successfully on port" in line:
                return int(line.rstrip().rstrip(".").rpartition(" ")[2])
        raise RuntimeError("chromedriver did not start")

    def close(self):
        try:
            if self.session:
                self._call("DELETE", f"/session/{self.session}")
        finally:
            os.killpg(self.driver.pid, signal.SIGKILL)
            self.driver.wait()
            self.driver.stdout.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.read().decode()[:2000]}") from None

    def command(self, path, body):
        return self._call("POST", f"/session/{self.session}/{path}", body)

    def devtools(self, method, **parameters):
        return self.command("goog/cdp/execute", {"cmd": method, "params": parameters})

    def run(self, script, *arguments):
        """The value that the body of a function in JavaScript returns."""
        return self.command("execute/sync", {"script": script, "args": list(arguments)})

    def open(self, path, width=1280, height=900, scheme="light"):
        self.resize(width, height)
        self.media(scheme)
        self.command("url", {"url": path.resolve().as_uri()})

    def resize(self, width, height):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                      mobile=False)

    def media(self, scheme, kind="screen"):
        self.devtools("Emulation.setEmulatedMedia", media=kind,
                      features=[{"name": "prefers-color-scheme", "value": scheme}])

    def console(self):
        """What the pages have logged since the last call."""
        return self.command("se/log", {"type": "browser"})

    def press(self, key):
        """Presses and releases a key on whatever has the focus."""
        self.command("actions", {"actions": [{"type": "key", "id": "keyboard", "actions": [
            {"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]}]})

    def click(self, selector):
        """Clicks with a real pointer on the middle of the element."""
        found = self.command("element", {"using": "css selector", "value": selector})
        self.command(f"element/{next(iter(found.values()))}/click", {})
