/* A test that the header compiles alone, as C and as C++, and that the library has the same version. */

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
