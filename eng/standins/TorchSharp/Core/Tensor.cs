namespace TorchSharp;

public static partial class torch
{
    /// <summary>A reference to a libtorch tensor, released by Dispose, by the scope it was made in, or by the collector.</summary>
    public partial class Tensor : IDisposable
    {
        private static long _total, _peak;
        internal nint handle;

        internal Tensor(nint handle, bool register = true)
        {
            this.handle = handle;
            if (handle == 0) // libtorch's undefined tensor: invalid from the start, and nobody's to dispose
            {
                GC.SuppressFinalize(this);
                return;
            }
            long total = System.Threading.Interlocked.Increment(ref _total);
            if (total > _peak)
                _peak = total;
            if (register)
                DisposeScopeManager.ThreadSingleton.Register(this);
        }

        ~Tensor() => Dispose(false);

        internal DisposeScope OwningDisposeScope;
        internal Tensor PreviousInScope, NextInScope;

        public string name { get; set; }

        public static long TotalCount => _total;

        public static long PeakCount => _peak;

        public bool IsInvalid => handle == 0;

        public nint Handle => handle != 0 ? handle : throw new InvalidOperationException("Tensor invalid -- empty handle.");

        public static Tensor UnsafeCreateTensor(nint handle) => new(handle);

        public nint DecoupleFromNativeHandle()
        {
            nint given = Handle;
            GC.SuppressFinalize(this);
            System.Threading.Interlocked.Decrement(ref _total);
            handle = 0;
            return given;
        }

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            if (handle == 0)
                return;
            DisposeScopeManager.ThreadSingleton.Disposing(this);
            if (disposing)
                OwningDisposeScope?.MarkAsDisposed(this);
            System.Threading.Interlocked.Decrement(ref _total);
            Native.tsi_release(handle);
            handle = 0;
        }

        public Tensor MoveToOuterDisposeScope()
        {
            OwningDisposeScope?.MoveToOuter(this);
            return this;
        }

        public Tensor DetachFromDisposeScope()
        {
            OwningDisposeScope?.Detach(this);
            return this;
        }

        public Tensor MoveToOtherDisposeScope(Tensor other) => MoveToOtherDisposeScope(other.OwningDisposeScope);

        public Tensor MoveToOtherDisposeScope(DisposeScope other)
        {
            if (OwningDisposeScope is null && other is not null)
                other.Attach(this);
            else
                OwningDisposeScope?.MoveToOther(other, this);
            return this;
        }

        /// <summary>Another wrapper of the same native tensor.</summary>
        internal Tensor Share()
        {
            Tensor shared = new(Native.tsi_share(Handle));
            GC.KeepAlive(this);
            return shared;
        }

        internal static Tensor OrNull(nint handle) => handle == 0 ? null : new Tensor(handle);

        internal static nint[] Handles(IEnumerable<Tensor> tensors) => tensors?.Select(t => t?.Handle ?? 0).ToArray() ?? [];
    }
}
