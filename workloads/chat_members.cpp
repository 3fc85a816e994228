#include "workloads/chat_members.h"

#include <algorithm>
#include <functional>
#include <mutex>

namespace bench {

ChatMembers::Bucket& ChatMembers::bucket_of(std::string_view name) noexcept {
  return names_[std::hash<std::string_view>()(name) % buckets];
}

bool ChatMembers::take(std::string_view name) noexcept {
  Bucket& bucket = bucket_of(name);
  const std::lock_guard lock(guard_);
  if (std::ranges::find(bucket, name, &Name::text) != bucket.end()) return false;
  const auto free = std::ranges::find(bucket, 0, &Name::size);
  if (free == bucket.end()) return false;
  free->size = static_cast<std::uint8_t>(name.size());
  std::ranges::copy(name, free->bytes.begin());
  return true;
}

void ChatMembers::give_back(std::string_view name) noexcept {
  Bucket& bucket = bucket_of(name);
  const std::lock_guard lock(guard_);
  const auto found = std::ranges::find(bucket, name, &Name::text);
  if (found != bucket.end()) found->size = 0;
}

}  // namespace bench
