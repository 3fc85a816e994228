// Which connection takes the next request of an open loop.
#pragma once

#include <cstdint>
#include <vector>

namespace bench {

/// Connections that can take a request, ordered by how many they have under way and then by how long they have been
/// so: one list for each level, linked through arrays, so that every operation takes constant time and no memory.
class FreeLists {
 public:
  static constexpr std::uint32_t none = UINT32_MAX;

  FreeLists(std::uint32_t connections, std::uint32_t levels) : nodes_(connections), lists_(levels) {}

  /// Puts a connection with `level` requests under way behind the others of that level; moves it if it is listed.
  void place(std::uint32_t connection, std::uint32_t level) {
    remove(connection);
    List& list = lists_[level];
    nodes_[connection] = {list.last, none, level};
    (list.last == none ? list.first : nodes_[list.last].next) = connection;
    list.last = connection;
  }

  /// Takes a connection out, if it is listed.
  void remove(std::uint32_t connection) {
    Node& node = nodes_[connection];
    if (node.level == none) return;
    List& list = lists_[node.level];
    (node.previous == none ? list.first : nodes_[node.previous].next) = node.next;
    (node.next == none ? list.last : nodes_[node.next].previous) = node.previous;
    node.level = none;
  }

  /// The connection that takes the next request, or `none`; it stays listed.
  std::uint32_t front() const {
    for (const List& list : lists_) {
      if (list.first != none) return list.first;
    }
    return none;
  }

 private:
  struct Node {
    std::uint32_t previous = none;
    std::uint32_t next = none;
    std::uint32_t level = none;  // none: not listed
  };
  struct List {
    std::uint32_t first = none;
    std::uint32_t last = none;
  };

  std::vector<Node> nodes_;
  std::vector<List> lists_;
};

}  // namespace bench
