#pragma once
// libdeflate 1.14: one-shot gzip, faster than zlib. Imported by Web alone.
#include <libdeflate.h>
