namespace TorchSharp;

public static partial class torch
{
    public static class backends
    {
        public static class cuda
        {
            public static bool flash_sdp_enabled() => Native.Check(Native.tsi_switch(3)) != 0;
            public static bool math_sdp_enabled() => Native.Check(Native.tsi_switch(4)) != 0;
            public static void enable_flash_sdp(bool enable) => Native.Check(Native.tsi_set_switch(3, enable ? 1 : 0));
            public static void enable_math_sdp(bool enable) => Native.Check(Native.tsi_set_switch(4, enable ? 1 : 0));

            public static class matmul
            {
                public static bool allow_tf32 { get => Native.Check(Native.tsi_switch(0)) != 0; set => Native.Check(Native.tsi_set_switch(0, value ? 1 : 0)); }
                public static bool allow_fp16_reduced_precision_reduction { get => Native.Check(Native.tsi_switch(2)) != 0; set => Native.Check(Native.tsi_set_switch(2, value ? 1 : 0)); }
            }
        }

        public static class cudnn
        {
            public static bool allow_tf32 { get => Native.Check(Native.tsi_switch(1)) != 0; set => Native.Check(Native.tsi_set_switch(1, value ? 1 : 0)); }
        }
    }
}
