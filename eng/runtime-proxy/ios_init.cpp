// The one symbol of GCC 13's libstdc++ that TorchSharp's native library uses and GCC 12's lacks.
#include <ios>

namespace std
{
    __attribute__((visibility("default"))) void ios_base_library_init()
    {
        static ios_base::Init initialized;
    }
}
