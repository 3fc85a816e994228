#include "measure/inbox.h"

#include <sys/eventfd.h>

namespace bench {

void Inbox::post(Waiting& task) noexcept {
  Waiting* head = mail.load(std::memory_order_relaxed);
  do {
    task.in_mail = head;
  } while (!mail.compare_exchange_weak(head, &task));
  if (asleep.load() != 0 && asleep.exchange(0) != 0) eventfd_write(fd, 1);
}

Waiting* Inbox::take() noexcept {
  if (mail.load(std::memory_order_relaxed) == nullptr) return nullptr;
  Waiting* newest = mail.exchange(nullptr);
  Waiting* oldest = nullptr;
  while (newest != nullptr) {
    Waiting* const before = newest->in_mail;
    newest->in_mail = oldest;
    oldest = newest;
    newest = before;
  }
  return oldest;
}

bool Inbox::may_sleep() noexcept {
  asleep.store(1);
  if (mail.load() == nullptr) return true;
  slept();
  return false;
}

void Inbox::slept() noexcept {
  if (asleep.load(std::memory_order_relaxed) != 0) asleep.store(0);
}

void Inbox::drain() noexcept {
  eventfd_t count = 0;
  eventfd_read(fd, &count);
}

void deliver_to_inbox(Waiting& task) noexcept { static_cast<Inbox*>(task.home)->post(task); }

}  // namespace bench
