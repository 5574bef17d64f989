#pragma once
// libxcrypt: bcrypt, by crypt_ra(3). Imported by Web alone.
#include <crypt.h>
