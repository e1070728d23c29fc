using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharp.Modules
{
    /// <summary>
    /// Rows of a table, looked up by index. The table itself lies behind the module, out of reach of scopes; the registered parameter
    /// is a reference to it that belongs to the scope in which the module was made, and each read of <see cref="weight"/> makes another.
    /// </summary>
    public sealed class Embedding : Module<Tensor, Tensor>
    {
        private static readonly Op Lookup = new("embedding");
        private static readonly Op Renormalize = new("embedding_renorm_");
        private static readonly Op SetData = new("set_data");

        private readonly Hidden _behind = new();
        private readonly long _padding;
        private readonly double? _maxNorm;
        private readonly double _normType;
        private readonly bool _scaleByFrequency;
        private readonly bool _sparse;

        internal Embedding(Tensor table, long? padding, double? maxNorm, double normType, bool scaleByFrequency, bool sparse) : base(nameof(Embedding))
        {
            _behind.Table = table;
            _padding = padding is < 0 ? padding.Value + table.shape[0] : padding ?? -1;
            _maxNorm = maxNorm;
            _normType = normType;
            _scaleByFrequency = scaleByFrequency;
            _sparse = sparse;
            register_parameter("weight", weight);
        }

        public Parameter weight
        {
            get => new(Native.tsi_share(_behind.Table.Handle));
            set
            {
                Tensor table = value.Share().DetachFromDisposeScope();
                _behind.Table.Dispose();
                _behind.Table = table;
                ConditionallyRegisterParameter("weight", value);
            }
        }

        public override Tensor forward(Tensor input)
        {
            if (_maxNorm is { } limit)
                using (no_grad())
                    Renormalize.Run(_behind.Table, input, limit, _normType);
            return Lookup.Call(_behind.Table, input, _padding, _scaleByFrequency, _sparse);
        }

        /// <summary>The table moves in place, so that every reference to it stays valid.</summary>
        internal override void Move(ScalarType? dtype, Device device, bool non_blocking)
        {
            using (no_grad())
            using (Tensor moved = _behind.Table.to(dtype ?? _behind.Table.dtype, device ?? _behind.Table.device))
                SetData.Run(_behind.Table, moved);
            Remember(device);
        }

        private protected override void Release() => _behind.Table.Dispose();

        /// <summary>Keeps the table from being registered as a buffer.</summary>
        private sealed class Hidden
        {
            public Tensor Table;
        }
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static Embedding Embedding(long num_embeddings, long embedding_dims, long? padding_idx = null, double? max_norm = null, double norm_type = 2.0, bool scale_grad_by_freq = false, bool sparse = false, Device device = null, ScalarType? dtype = null)
            {
                if (padding_idx is { } index && (index >= num_embeddings || index < -num_embeddings))
                    throw new ExternalException("Padding_idx must be within num_embeddings");
                Tensor table = empty([num_embeddings, embedding_dims]).normal_().DetachFromDisposeScope();
                if (padding_idx is { } padding)
                    using (Tensor row = table.select(0, padding))
                        row.zero_().Dispose();
                Embedding made = new(table.requires_grad_(), padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse);
                return (Embedding)made._to(device ?? get_default_device(), dtype ?? get_default_dtype(), false);
            }

            public static Embedding Embedding_from_pretrained(Tensor embeddings, bool freeze = true, long? padding_idx = null, double? max_norm = null, double norm_type = 2.0, bool scale_grad_by_freq = false, bool sparse = false, Device device = null, ScalarType? dtype = null)
            {
                if (embeddings.dim() != 2)
                    throw new ExternalException("Embeddings parameter is expected to be 2-dimensional");
                Tensor table = embeddings.Share().DetachFromDisposeScope().requires_grad_(!freeze);
                Embedding made = new(table, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse);
                return (Embedding)made._to(device ?? get_default_device(), dtype ?? get_default_dtype(), false);
            }
        }
    }
}
