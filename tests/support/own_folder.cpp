#include "tests/support/own_folder.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace bench {

OwnTemporaryFolder::OwnTemporaryFolder() : path_(temporary_folder() + "/of-a-test-XXXXXX") {
  if (mkdtemp(path_.data()) == nullptr) throw std::system_error(errno, std::generic_category(), path_);
  const char* const before = std::getenv("TMPDIR");
  before_ = before ? before : "";
  setenv("TMPDIR", path_.c_str(), 1);
}

OwnTemporaryFolder::~OwnTemporaryFolder() {
  before_.empty() ? unsetenv("TMPDIR") : setenv("TMPDIR", before_.c_str(), 1);
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::unique_ptr<ScratchFolder> give_store(const Service& service, ServiceContext& context) {
  if (!service.fill_store) return nullptr;
  auto folder = std::make_unique<ScratchFolder>();
  context.store = folder->scratch();
  service.fill_store(context);
  return folder;
}

}  // namespace bench
