#pragma once
// libmnl 1.0.4: sockets and message building. Attributes are decoded in Swift, over bytes.
#include <libmnl/libmnl.h>
