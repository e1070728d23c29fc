namespace TorchSharp;

public static partial class torch
{
    public class Generator : IDisposable
    {
        private Generator(nint handle) => (Handle, device) = (handle, CPU);

        public Generator(ulong seed = 0, Device device = null)
        {
            this.device = device ?? CPU;
            Handle = Native.Check(Native.tsi_generator_new(seed, (int)this.device.type, this.device.index));
        }

        ~Generator() => Dispose(false);

        public static Generator Default => new(Native.Check(Native.tsi_generator_default()));

        public nint Handle { get; private set; }

        public Device device { get; }

        public Tensor get_state() => new(Native.Check(Native.tsi_generator_state(Handle)));

        public void set_state(Tensor value)
        {
            Native.Check(Native.tsi_generator_set_state(Handle, value?.Handle ?? 0));
            GC.KeepAlive(value);
        }

        public Generator manual_seed(long seed)
        {
            Native.Check(Native.tsi_generator_set_seed(Handle, (ulong)seed));
            return this;
        }

        public long seed() => (long)Native.tsi_generator_reseed(Handle);

        public long initial_seed() => (long)Native.tsi_generator_seed(Handle);

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            nint handle = Handle;
            Handle = 0;
            if (handle != 0)
                Native.tsi_generator_free(handle);
        }
    }

    public static class random
    {
        public static Generator manual_seed(long seed) => torch.manual_seed(seed);
        public static long seed() => torch.seed();
        public static long initial_seed() => torch.initial_seed();
        public static Tensor get_rng_state() => torch.get_rng_state();
        public static void set_rng_state(Tensor new_state) => torch.set_rng_state(new_state);
    }

    public static Generator manual_seed(long seed)
    {
        Native.Check(Native.tsi_manual_seed(seed));
        return Generator.Default;
    }

    public static long seed()
    {
        long drawn;
        using (Generator generator = Generator.Default)
            drawn = generator.seed();
        manual_seed(drawn).Dispose();
        return drawn;
    }

    public static long initial_seed()
    {
        using Generator generator = Generator.Default;
        return generator.initial_seed();
    }

    public static Tensor get_rng_state()
    {
        using Generator generator = Generator.Default;
        return generator.get_state();
    }

    public static void set_rng_state(Tensor new_state)
    {
        using Generator generator = Generator.Default;
        generator.set_state(new_state);
    }

    public static int get_num_threads() => Native.tsi_threads();
    public static int get_num_interop_threads() => Native.tsi_interop_threads();
    public static void set_num_threads(int num) => Native.Check(Native.tsi_set_threads(num));
    public static void set_num_interop_threads(int num) => Native.Check(Native.tsi_set_interop_threads(num));
}
