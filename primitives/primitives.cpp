// The primitive table. A new primitive is one file and one row here; a new kind of unit adds a row to each array.
#include "primitives/primitive.h"

#include <array>

#include "primitives/rows.h"

namespace bench {
namespace {

constexpr auto spawn = std::to_array<PrimitiveRow>({
    {"processes", "fork", 0, 1, spawn_processes},
    {"processes", "fork", 0, 2, spawn_processes},
    {"threads", "clone", 0, 1, spawn_threads},
    {"threads", "clone", 0, 2, spawn_threads},
    {"coroutines", "call", 0, 1, spawn_coroutines},
    {"fibers", "pool", 0, 1, spawn_fibers},
});

constexpr auto switches = std::to_array<PrimitiveRow>({
    {"processes", "futex", 0, 1, switch_processes_futex},
    {"processes", "futex", 0, 2, switch_processes_futex},
    {"processes", "pipe", 0, 1, switch_processes_pipe},
    {"processes", "pipe", 0, 2, switch_processes_pipe},
    {"threads", "futex", 0, 1, switch_threads_futex},
    {"threads", "futex", 0, 2, switch_threads_futex},
    {"threads", "condition", 0, 1, switch_threads_condition},
    {"threads", "condition", 0, 2, switch_threads_condition},
    {"threads", "pipe", 0, 1, switch_threads_pipe},
    {"threads", "pipe", 0, 2, switch_threads_pipe},
    {"coroutines", "resume", 0, 1, switch_coroutines_resume},
    {"coroutines", "scheduler", 0, 1, switch_coroutines_scheduler},
    {"fibers", "jump", 0, 1, switch_fibers_jump},
    {"fibers", "scheduler", 0, 1, switch_fibers_scheduler},
});

constexpr auto locks = std::to_array<PrimitiveRow>({
    {"processes", "shared", 1, 1, lock_processes_shared},
    {"processes", "shared", 2, 1, lock_processes_shared},
    {"processes", "shared", 2, 2, lock_processes_shared},
    {"processes", "semaphore", 1, 1, lock_processes_semaphore},
    {"processes", "semaphore", 2, 1, lock_processes_semaphore},
    {"processes", "semaphore", 2, 2, lock_processes_semaphore},
    {"threads", "mutex", 1, 1, lock_threads_mutex},
    {"threads", "mutex", 2, 1, lock_threads_mutex},
    {"threads", "mutex", 2, 2, lock_threads_mutex},
    {"threads", "recursive", 1, 1, lock_threads_recursive},
    {"threads", "recursive", 2, 1, lock_threads_recursive},
    {"threads", "recursive", 2, 2, lock_threads_recursive},
    {"threads", "spin", 1, 1, lock_threads_spin},
    {"threads", "spin", 2, 1, lock_threads_spin},
    {"threads", "spin", 2, 2, lock_threads_spin},
    {"threads", "semaphore", 1, 1, lock_threads_semaphore},
    {"threads", "semaphore", 2, 1, lock_threads_semaphore},
    {"threads", "semaphore", 2, 2, lock_threads_semaphore},
});

constexpr auto queues = std::to_array<PrimitiveRow>({
    {"processes", "pipe", 0, 1, queue_processes_pipe},
    {"processes", "pipe", 0, 2, queue_processes_pipe},
    {"processes", "socket", 0, 1, queue_processes_socket},
    {"processes", "socket", 0, 2, queue_processes_socket},
    {"threads", "pipe", 0, 1, queue_threads_pipe},
    {"threads", "pipe", 0, 2, queue_threads_pipe},
    {"threads", "socket", 0, 1, queue_threads_socket},
    {"threads", "socket", 0, 2, queue_threads_socket},
    {"threads", "condition", 0, 1, queue_threads_condition},
    {"threads", "condition", 0, 2, queue_threads_condition},
    {"coroutines", "ring", 0, 1, queue_coroutines_ring},
    {"fibers", "ring", 0, 1, queue_fibers_ring},
});

constexpr auto wakes = std::to_array<PrimitiveRow>({
    {"processes", "futex", 0, 1, wake_processes_futex},
    {"processes", "futex", 0, 2, wake_processes_futex},
    {"threads", "futex", 0, 1, wake_threads_futex},
    {"threads", "futex", 0, 2, wake_threads_futex},
    {"threads", "condition", 0, 1, wake_threads_condition},
    {"threads", "condition", 0, 2, wake_threads_condition},
    {"coroutines", "loop", 0, 1, wake_coroutines_loop},
    {"fibers", "loop", 0, 1, wake_fibers_loop},
});

constexpr auto idlers = std::to_array<PrimitiveRow>({
    {"processes", "futex", 0, 1, idle_processes},
    {"threads", "futex", 0, 1, idle_threads},
    {"coroutines", "suspended", 0, 1, idle_coroutines},
    {"fibers", "parked", 0, 1, idle_fibers},
});

constexpr std::array primitives{
    Primitive{
        .name = "spawn",
        .summary = "creates a unit that does next to nothing, and waits for its end",
        .operation = "one unit from creation to join",
        .default_tasks = 0,
        .measures_memory = false,
        .rows = spawn,
    },
    Primitive{
        .name = "switch",
        .summary = "control goes from one unit to another that waits for it",
        .operation = "one way",
        .default_tasks = 0,
        .measures_memory = false,
        .rows = switches,
    },
    Primitive{
        .name = "lock",
        .summary = "takes a lock and gives it back, alone or against another unit",
        .operation = "one taking and giving back",
        .default_tasks = 0,
        .measures_memory = false,
        .rows = locks,
    },
    Primitive{
        .name = "queue",
        .summary = "an item goes from one unit to another",
        .operation = "one item",
        .default_tasks = 0,
        .measures_memory = false,
        .rows = queues,
    },
    Primitive{
        .name = "wake",
        .summary = "an event is set that many units wait for",
        .operation = "from set to the last unit that runs",
        .default_tasks = 8,
        .measures_memory = false,
        .rows = wakes,
    },
    Primitive{
        .name = "idle",
        .summary = "units wait: the memory of each, in user space and in the kernel",
        .operation = "memory of a unit that waits, and the time to start one",
        .default_tasks = 1000,
        .measures_memory = true,
        .rows = idlers,
    },
};

}  // namespace

std::span<const Primitive> all_primitives() { return primitives; }

}  // namespace bench
