// The owner of a file descriptor, under the name that the floors above workloads/ know it by.
#pragma once

#include "workloads/unique_fd.h"  // IWYU pragma: export
