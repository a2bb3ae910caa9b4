/* The header stands alone, as C and as C++, and the library answers to it. */

#include <umapi.h>

#include <stdio.h>
#include <string.h>

int main(void)
{
    if (strcmp(umapi_version(), UMAPI_VERSION) != 0 || umapi_abi_version() != UMAPI_ABI_VERSION) {
        printf("the header is of %s, the library of %s\n", UMAPI_VERSION, umapi_version());
        return 1;
    }
    printf("ok      libumapi %s\n", umapi_version());
    return 0;
}
