// Why: a poller that finds another connection's entry under a descriptor watches the wrong one.
#include "models/loop/fd_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace bench {
namespace {

struct Entry {
  int fd;
  int value;
  bool operator==(const Entry&) const = default;
};

std::vector<int> descriptors_of(FdList<Entry>& list) {
  std::vector<int> found;
  for (const Entry& entry : list.all()) found.push_back(entry.fd);
  return found;
}

TEST(FdList, IsEmptyAtFirst) {
  FdList<Entry> list;
  EXPECT_TRUE(list.all().empty());
}

TEST(FdList, FindsAndChangesEntriesByDescriptor) {
  FdList<Entry> list;
  list.add({.fd = 7, .value = 70});
  list.add({.fd = 0, .value = 1});
  list.add({.fd = 500, .value = 5});
  EXPECT_EQ(list[7].value, 70);
  EXPECT_EQ(list[0].value, 1);
  list[500].value = 6;
  EXPECT_EQ(list[500].value, 6);
  EXPECT_THAT(descriptors_of(list), testing::ElementsAre(7, 0, 500));
}

TEST(FdList, LeavesNoGapWhereOneIsTakenOut) {
  FdList<Entry> list;
  for (const int fd : {3, 4, 5, 6}) list.add({.fd = fd, .value = fd * 10});
  list.remove(4);
  EXPECT_THAT(descriptors_of(list), testing::UnorderedElementsAre(3, 5, 6));
  EXPECT_EQ(list[6].value, 60) << "it has taken the place";
  list.remove(6);
  list.remove(3);
  EXPECT_THAT(descriptors_of(list), testing::ElementsAre(5));
  list.remove(5);
  EXPECT_TRUE(list.all().empty());
}

TEST(FdList, TakesADescriptorAgainThatWasTakenOut) {
  FdList<Entry> list;
  list.add({.fd = 3, .value = 1});
  list.remove(3);
  list.add({.fd = 3, .value = 2});
  EXPECT_EQ(list[3].value, 2);
  EXPECT_EQ(list.all().size(), 1U);
}

TEST(FdList, FindsTheRightOneWhateverComesAndGoes) {
  std::mt19937 random(1);  // NOLINT(bugprone-random-generator-seed): the same numbers every time
  FdList<Entry> list;
  std::map<int, int> expected;
  for (int step = 0; step < 20'000; ++step) {
    const int fd = static_cast<int>(random() % 100);
    if (expected.erase(fd) != 0) {
      list.remove(fd);
    } else {
      list.add({.fd = fd, .value = step});
      expected.emplace(fd, step);
    }
    ASSERT_EQ(list.all().size(), expected.size());
    for (const auto& [known, value] : expected) ASSERT_EQ(list[known], (Entry{known, value}));
  }
}

}  // namespace
}  // namespace bench
