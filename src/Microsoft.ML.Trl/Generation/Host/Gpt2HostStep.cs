using System.Numerics.Tensors;

namespace Microsoft.ML.Trl.Generation;

/// <summary>A step of GPT-2. Every member of the team works out some columns of each product; norms are cheap and everyone works out all.</summary>
internal sealed unsafe class Gpt2HostStep : IHostStep
{
    private const int Unit = 32; // columns are shared out in multiples

    private readonly ModelConfig _config;
    private readonly HostTeam _team;
    private readonly Layer[] _layers;
    private readonly float* _tokens;
    private readonly float* _positions;
    private readonly Norm _norm;
    private readonly CacheMemory _rooms;
    private readonly HostBuffer _stream;
    private readonly HostBuffer _packed;
    private readonly HostBuffer _mixed;
    private readonly HostBuffer _inner;
    private readonly HostBuffer[] _normed;
    private readonly HostBuffer[] _scores;

    public Gpt2HostStep(Gpt2Decoder model, HostTeam team, KeyValueCache cache)
    {
        (int rows, int capacity) = (cache.Rows, cache.Capacity);
        _rooms = new CacheMemory(cache);
        (_config, _team) = (model.Config, team);
        _layers = [.. model.Blocks.Select(block => new Layer(block))];
        _tokens = HostMemory.PointerTo(model.TokenEmbedding);
        _positions = HostMemory.PointerTo(model.PositionEmbedding);
        _norm = new Norm(model.Norm);
        int width = _config.HiddenSize;
        (_stream, _packed, _mixed, _inner) = (new((long)rows * width), new(3L * rows * width), new((long)rows * width), new((long)rows * _config.IntermediateSize));
        _normed = [.. Enumerable.Range(0, team.Size).Select(_ => new HostBuffer((long)rows * width))];
        _scores = [.. Enumerable.Range(0, team.Size).Select(_ => new HostBuffer(capacity))];
    }

    public float* Run(int[] rows, int[] tokens, int[] starts, KeyValueCache cache, int member)
    {
        (int count, int width, int inner) = (rows.Length, _config.HiddenSize, _config.IntermediateSize);
        float* normed = _normed[member].Data;
        Embed(rows, tokens, starts, cache.Length, member);
        for (int layer = 0; layer < _layers.Length; layer++)
        {
            Layer weights = _layers[layer];
            weights.AttentionNorm.Apply(_stream.Data, normed, count, width, _config.NormEpsilon);
            weights.Packed.Apply(_team, member, normed, count, _packed.Data, add: false);
            _team.Meet();
            Attend(rows, starts, cache, layer, weights.Scale, member);
            _team.Meet();
            weights.Mixed.Apply(_team, member, _mixed.Data, count, _stream.Data, add: true);
            _team.Meet();
            weights.FeedForwardNorm.Apply(_stream.Data, normed, count, width, _config.NormEpsilon);
            (int from, int to) = weights.Wide.Apply(_team, member, normed, count, _inner.Data, add: false);
            for (int row = 0; row < count; row++)
                GeluKernel.Values(_inner.Data + ((nint)row * inner) + from, _inner.Data + ((nint)row * inner) + from, to - from);
            _team.Meet();
            weights.Narrow.Apply(_team, member, _inner.Data, count, _stream.Data, add: true);
            _team.Meet();
        }
        _norm.Apply(_stream.Data, normed, count, width, _config.NormEpsilon);
        return normed;
    }

    public void Dispose()
    {
        foreach (HostBuffer buffer in _normed.Concat(_scores).Concat([_stream, _packed, _mixed, _inner]))
            buffer.Dispose();
    }

    private void Embed(int[] rows, int[] tokens, int[] starts, int length, int member)
    {
        int width = _config.HiddenSize;
        if (member == 0)
            for (int i = 0; i < rows.Length; i++)
                TensorPrimitives.Add(
                    new ReadOnlySpan<float>(_tokens + ((nint)tokens[i] * width), width),
                    new ReadOnlySpan<float>(_positions + ((nint)(length - starts[rows[i]]) * width), width),
                    new Span<float>(_stream.Data + ((nint)i * width), width));
        _team.Meet();
    }

    private void Attend(int[] rows, int[] starts, KeyValueCache cache, int layer, float scale, int member)
    {
        (int heads, int size, int width, int place) = (_config.HeadCount, _config.HeadSize, _config.HiddenSize, cache.Length);
        (int from, int to) = _team.Share(member, rows.Length * heads, 1);
        for (int work = from; work < to; work++)
        {
            (int i, int head) = (work / heads, work % heads);
            int row = rows[i];
            float* query = _packed.Data + (3 * (nint)i * width) + (head * size);
            nint room = (((nint)row * heads) + head) * cache.Capacity * size;
            float* keys = _rooms.Keys(layer) + room;
            float* values = _rooms.Values(layer) + room;
            new ReadOnlySpan<float>(query + width, size).CopyTo(new Span<float>(keys + ((nint)place * size), size));
            new ReadOnlySpan<float>(query + (2 * width), size).CopyTo(new Span<float>(values + ((nint)place * size), size));
            nint first = (nint)starts[row] * size;
            SingleQuery.Mix(query, keys + first, values + first, place + 1 - starts[row], size, scale, _scores[member].Data, _mixed.Data + ((nint)i * width) + (head * size));
        }
    }

    /// <summary>Pointers to the weights of a norm.</summary>
    private readonly struct Norm(LayerNormalization norm)
    {
        private readonly float* _weight = HostMemory.PointerTo(norm.Weight);
        private readonly float* _bias = HostMemory.PointerTo(norm.Bias);

        public void Apply(float* from, float* to, int rows, int width, double epsilon)
        {
            for (int row = 0; row < rows; row++)
                HostNorms.Layer(from + ((nint)row * width), to + ((nint)row * width), _weight, _bias, width, epsilon);
        }
    }

    /// <summary>Pointers to the weights of a projection.</summary>
    private readonly struct Matrix(Conv1D projection)
    {
        private readonly float* _weight = HostMemory.PointerTo(projection.Weight);
        private readonly float* _bias = HostMemory.PointerTo(projection.Bias);
        private readonly int _inputs = (int)projection.Weight.shape[0];
        private readonly int _outputs = (int)projection.Weight.shape[1];

        /// <summary>A member's columns of y = x·W + b, or y += x·W + b.</summary>
        public (int From, int To) Apply(HostTeam team, int member, float* x, int rows, float* y, bool add)
        {
            (int from, int to) = team.Share(member, _outputs, Unit);
            ReadOnlySpan<float> bias = new(_bias + from, to - from);
            for (int row = 0; row < rows; row++)
            {
                Span<float> line = new(y + ((nint)row * _outputs) + from, to - from);
                if (add)
                    TensorPrimitives.Add(line, bias, line);
                else
                    bias.CopyTo(line);
            }
            SkinnyColumns.Add(x, rows, _inputs, _weight, y, _outputs, from, to);
            return (from, to);
        }
    }

    /// <summary>Pointers to the weights of a block.</summary>
    private sealed class Layer(Gpt2Block block)
    {
        public Norm AttentionNorm { get; } = new(block.AttentionNorm);

        public Matrix Packed { get; } = new(block.Attention.Input);

        public Matrix Mixed { get; } = new(block.Attention.Output);

        public float Scale { get; } = (float)block.Attention.Scale;

        public Norm FeedForwardNorm { get; } = new(block.FeedForwardNorm);

        public Matrix Wide { get; } = new(block.FeedForward.Input);

        public Matrix Narrow { get; } = new(block.FeedForward.Output);
    }
}
