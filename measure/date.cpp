#include "measure/date.h"

#include <ctime>

#include <algorithm>

namespace bench {
namespace {

constexpr std::string_view days = "SunMonTueWedThuFriSat";
constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";

// The last `places` digits of `number`.
char* write_digits(char* at, unsigned number, int places) noexcept {
  for (int place = places - 1; place >= 0; --place, number /= 10) at[place] = static_cast<char>('0' + number % 10);
  return at + places;
}

char* write_text(char* at, std::string_view text) noexcept { return std::ranges::copy(text, at).out; }

}  // namespace

DateText date_of(std::chrono::sys_seconds moment) noexcept {
  const auto day = std::chrono::floor<std::chrono::days>(moment);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(moment - day);
  DateText text;
  char* at = write_text(text.data(), days.substr(std::chrono::weekday(day).c_encoding() * std::size_t{3}, 3));
  at = write_digits(write_text(at, ", "), static_cast<unsigned>(date.day()), 2);
  at = write_text(at, " ");
  at = write_text(at, months.substr((static_cast<unsigned>(date.month()) - 1) * std::size_t{3}, 3));
  at = write_digits(write_text(at, " "), static_cast<unsigned>(static_cast<int>(date.year())), 4);
  at = write_digits(write_text(at, " "), static_cast<unsigned>(time.hours().count()), 2);
  at = write_digits(write_text(at, ":"), static_cast<unsigned>(time.minutes().count()), 2);
  at = write_digits(write_text(at, ":"), static_cast<unsigned>(time.seconds().count()), 2);
  write_text(at, " GMT");
  return text;
}

std::string_view date_text() noexcept {
  struct Written {
    std::time_t second;
    DateText text;
  };
  thread_local constinit Written written{.second = -1, .text = {}};
  timespec now{};
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != written.second) {
    written = {.second = now.tv_sec, .text = date_of(std::chrono::sys_seconds(std::chrono::seconds(now.tv_sec)))};
  }
  return {written.text.data(), written.text.size()};
}

}  // namespace bench
