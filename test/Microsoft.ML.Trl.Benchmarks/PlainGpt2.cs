using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Microsoft.ML.Trl.Benchmarks;

/// <summary>GPT-2 written plainly, to compare with: whole logits, libtorch's attention, a cache that grows by concatenation.</summary>
internal sealed class PlainGpt2 : Module<Tensor, Tensor>
{
    private readonly Embedding _tokens, _positions;
    private readonly ModuleList<PlainBlock> _blocks;
    private readonly LayerNorm _norm;

    public PlainGpt2(Shape shape)
        : base(nameof(PlainGpt2))
    {
        _tokens = Embedding(shape.Vocabulary, shape.Width);
        _positions = Embedding(1024, shape.Width);
        init.normal_(_tokens.weight!, 0, 0.02);
        init.normal_(_positions.weight!, 0, 0.02);
        _blocks = ModuleList(Enumerable.Range(0, shape.Layers).Select(_ => new PlainBlock(shape.Width, shape.Heads)).ToArray());
        _norm = LayerNorm(shape.Width);
        RegisterComponents();
    }

    public override Tensor forward(Tensor input) // [B, T] -> [B, T, V]
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = Embedded(input, 0);
        foreach (PlainBlock block in _blocks)
            x = block.call(x);
        return Logits(x).MoveToOuterDisposeScope();
    }

    /// <summary>Draws tokens behind texts of one length: [B, T] -> [B, T + count].</summary>
    public Tensor Generate(Tensor ids, int count)
    {
        using IDisposable frozen = no_grad();
        using DisposeScope scope = NewDisposeScope();
        var past = new (Tensor Keys, Tensor Values)?[_blocks.Count];
        List<Tensor> all = [ids];
        Tensor next = ids;
        for (int step = 0, position = 0; step < count; step++)
        {
            using DisposeScope inner = NewDisposeScope();
            Tensor x = Embedded(next, position);
            position += (int)next.shape[1];
            for (int block = 0; block < past.Length; block++)
            {
                (x, Tensor keys, Tensor values) = _blocks[block].Step(x, past[block]);
                past[block] = (keys.MoveToOuterDisposeScope(), values.MoveToOuterDisposeScope());
            }
            next = multinomial(functional.softmax(Logits(x[TensorIndex.Colon, -1]), -1), 1);
            all.Add(next.MoveToOuterDisposeScope());
        }
        return cat([.. all], 1).MoveToOuterDisposeScope();
    }

    private Tensor Embedded(Tensor ids, int position) =>
        _tokens.call(ids) + _positions.call(arange(position, position + ids.shape[1]));

    private Tensor Logits(Tensor x) => functional.linear(_norm.call(x), _tokens.weight!);

    private sealed class PlainBlock : Module<Tensor, Tensor>
    {
        private readonly LayerNorm _before, _between;
        private readonly Linear _queryKeyValue, _mix, _wide, _narrow;
        private readonly int _heads;

        public PlainBlock(int width, int heads)
            : base(nameof(PlainBlock))
        {
            _heads = heads;
            (_before, _between) = (LayerNorm(width), LayerNorm(width));
            (_queryKeyValue, _mix) = (Linear(width, 3 * width), Linear(width, width));
            (_wide, _narrow) = (Linear(width, 4 * width), Linear(4 * width, width));
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) => Step(input, null).X;

        public (Tensor X, Tensor Keys, Tensor Values) Step(Tensor x, (Tensor Keys, Tensor Values)? past)
        {
            using DisposeScope scope = NewDisposeScope();
            (long rows, long length, long width) = (x.shape[0], x.shape[1], x.shape[2]);
            Tensor[] parts = Array.ConvertAll(
                _queryKeyValue.call(_before.call(x)).split(width, 2),
                part => part.view(rows, length, _heads, width / _heads).transpose(1, 2));
            (Tensor keys, Tensor values) = (parts[1], parts[2]);
            if (past is { } before)
                (keys, values) = (cat([before.Keys, keys], 2), cat([before.Values, values], 2));
            Tensor mixed = functional.scaled_dot_product_attention(parts[0], keys, values, is_casual: past is null && length > 1);
            x = x + _mix.call(mixed.transpose(1, 2).contiguous().view(rows, length, width));
            Tensor hidden = functional.gelu(_wide.call(_between.call(x)), TorchSharp.Modules.GELU.Approximate.tanh);
            x = x + _narrow.call(hidden);
            return (x.MoveToOuterDisposeScope(), keys.MoveToOuterDisposeScope(), values.MoveToOuterDisposeScope());
        }
    }
}
