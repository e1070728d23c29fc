using System.Numerics.Tensors;

namespace Microsoft.ML.Trl.Generation;

/// <summary>A step of the LLaMA family. Every member of the team works out some columns of each product; norms are cheap and everyone works out all.</summary>
internal sealed unsafe class LlamaHostStep : IHostStep
{
    private readonly ModelConfig _config;
    private readonly HostTeam _team;
    private readonly Layer[] _layers;
    private readonly float* _tokens;
    private readonly float* _norm;
    private readonly RotaryTable _angles;
    private readonly CacheMemory _rooms;
    private readonly HostBuffer _stream;
    private readonly HostBuffer _queries;
    private readonly HostBuffer _keys;
    private readonly HostBuffer _values;
    private readonly HostBuffer _mixed;
    private readonly HostBuffer _gate;
    private readonly HostBuffer _up;
    private readonly HostBuffer[] _normed;
    private readonly HostBuffer[] _scores;

    public LlamaHostStep(LlamaDecoder model, HostTeam team, KeyValueCache cache)
    {
        (_config, _team, _angles, _rooms) = (model.Config, team, model.Angles, new CacheMemory(cache));
        _layers = [.. model.Blocks.Select(block => new Layer(block))];
        _tokens = HostMemory.PointerTo(model.TokenEmbedding);
        _norm = HostMemory.PointerTo(model.Norm.Weight);
        long rows = cache.Rows;
        long shared = rows * _config.KeyValueHeadCount * _config.HeadSize;
        long heads = rows * _config.HeadCount * _config.HeadSize;
        (_stream, _queries, _keys, _values, _mixed) = (new(rows * _config.HiddenSize), new(heads), new(shared), new(shared), new(heads));
        (_gate, _up) = (new(rows * _config.IntermediateSize), new(rows * _config.IntermediateSize));
        _normed = [.. Enumerable.Range(0, team.Size).Select(_ => new HostBuffer(rows * _config.HiddenSize))];
        _scores = [.. Enumerable.Range(0, team.Size).Select(_ => new HostBuffer(cache.Capacity))];
    }

    public float* Run(int[] rows, int[] tokens, int[] starts, KeyValueCache cache, int member)
    {
        (int count, int width) = (rows.Length, _config.HiddenSize);
        float* normed = _normed[member].Data;
        for (int i = 0; i < count && member == 0; i++)
            new ReadOnlySpan<float>(_tokens + ((nint)tokens[i] * width), width).CopyTo(new Span<float>(_stream.Data + ((nint)i * width), width));
        _team.Meet();
        for (int layer = 0; layer < _layers.Length; layer++)
        {
            Layer weights = _layers[layer];
            Norm(weights.AttentionNorm, count, normed);
            weights.Queries.Apply(_team, member, normed, count, _queries.Data, add: false);
            weights.Keys.Apply(_team, member, normed, count, _keys.Data, add: false);
            weights.Values.Apply(_team, member, normed, count, _values.Data, add: false);
            _team.Meet();
            Attend(rows, starts, cache, layer, member);
            _team.Meet();
            weights.Mixed.Apply(_team, member, _mixed.Data, count, _stream.Data, add: true);
            _team.Meet();
            Norm(weights.FeedForwardNorm, count, normed);
            (int from, int to) = weights.Gate.Apply(_team, member, normed, count, _gate.Data, add: false);
            weights.Up.Apply(_team, member, normed, count, _up.Data, add: false);
            for (int row = 0; row < count; row++)
            {
                nint begin = ((nint)row * _config.IntermediateSize) + from;
                SiluKernel.Gate(_gate.Data + begin, _up.Data + begin, to - from);
            }
            _team.Meet();
            weights.Down.Apply(_team, member, _gate.Data, count, _stream.Data, add: true);
            _team.Meet();
        }
        Norm(_norm, count, normed);
        return normed;
    }

    public void Dispose()
    {
        foreach (HostBuffer buffer in _normed.Concat(_scores).Concat([_stream, _queries, _keys, _values, _mixed, _gate, _up]))
            buffer.Dispose();
    }

    private void Norm(float* weight, int rows, float* to)
    {
        for (int row = 0; row < rows; row++)
            HostNorms.RootMeanSquare(_stream.Data + ((nint)row * _config.HiddenSize), to + ((nint)row * _config.HiddenSize), weight, _config.HiddenSize, _config.NormEpsilon);
    }

    private void Attend(int[] rows, int[] starts, KeyValueCache cache, int layer, int member)
    {
        (int shared, int size, int place, int group) = (_config.KeyValueHeadCount, _config.HeadSize, cache.Length, _config.HeadCount / _config.KeyValueHeadCount);
        (float[] cosines, float[] sines) = _angles.Upto(place + 1);
        (int from, int to) = _team.Share(member, rows.Length * shared, 1);
        for (int work = from; work < to; work++)
        {
            (int i, int head) = (work / shared, work % shared);
            int start = starts[rows[i]];
            int angle = (place - start) * (size / 2);
            nint room = (((nint)rows[i] * shared) + head) * cache.Capacity * size;
            float* keys = _rooms.Keys(layer) + room;
            float* values = _rooms.Values(layer) + room;
            nint own = (((nint)i * shared) + head) * size;
            new ReadOnlySpan<float>(_values.Data + own, size).CopyTo(new Span<float>(values + ((nint)place * size), size));
            Turn(_keys.Data + own, keys + ((nint)place * size), size, cosines.AsSpan(angle), sines.AsSpan(angle));
            int first = Math.Max(start, _layers[layer].Window is { } window ? place - window + 1 : 0);
            for (int query = head * group; query < (head + 1) * group; query++)
            {
                nint at = (((nint)i * _config.HeadCount) + query) * size;
                Turn(_queries.Data + at, _queries.Data + at, size, cosines.AsSpan(angle), sines.AsSpan(angle));
                SingleQuery.Mix(
                    _queries.Data + at, keys + ((nint)first * size), values + ((nint)first * size), place + 1 - first, size, _layers[layer].Scale, _scores[member].Data, _mixed.Data + at);
            }
        }
    }

    /// <summary>Turns pairs (i, i + size / 2) by their angles; the two may be the same memory.</summary>
    private static void Turn(float* from, float* to, int size, ReadOnlySpan<float> cosines, ReadOnlySpan<float> sines)
    {
        int half = size / 2;
        for (int i = 0; i < half; i++)
        {
            (float first, float second) = (from[i], from[i + half]);
            to[i] = (first * cosines[i]) - (second * sines[i]);
            to[i + half] = (second * cosines[i]) + (first * sines[i]);
        }
    }

    /// <summary>Pointers to the weights of a projection.</summary>
    private readonly struct Matrix(Projection projection)
    {
        private readonly float* _weight = HostMemory.PointerTo(projection.Weight);
        private readonly float* _bias = projection.Bias is null ? null : HostMemory.PointerTo(projection.Bias);
        private readonly int _outputs = (int)projection.Weight.shape[0];
        private readonly int _inputs = (int)projection.Weight.shape[1];

        /// <summary>A member's columns of y = x·Wᵀ + b, or y += x·Wᵀ + b.</summary>
        public (int From, int To) Apply(HostTeam team, int member, float* x, int rows, float* y, bool add)
        {
            (int from, int to) = team.Share(member, _outputs, 2);
            SkinnyRows.Run(x, rows, _inputs, _weight, y, _outputs, from, to, add);
            for (int row = 0; row < rows && _bias != null; row++)
            {
                Span<float> line = new(y + ((nint)row * _outputs) + from, to - from);
                TensorPrimitives.Add(line, new ReadOnlySpan<float>(_bias + from, to - from), line);
            }
            return (from, to);
        }
    }

    /// <summary>Pointers to the weights of a block.</summary>
    private sealed class Layer(LlamaBlock block)
    {
        public float* AttentionNorm { get; } = HostMemory.PointerTo(block.AttentionNorm.Weight);

        public Matrix Queries { get; } = new(block.Attention.Queries);

        public Matrix Keys { get; } = new(block.Attention.Keys);

        public Matrix Values { get; } = new(block.Attention.Values);

        public Matrix Mixed { get; } = new(block.Attention.Output);

        public float Scale { get; } = (float)block.Attention.Scale;

        public int? Window { get; } = block.Attention.Window;

        public float* FeedForwardNorm { get; } = HostMemory.PointerTo(block.FeedForwardNorm.Weight);

        public Matrix Gate { get; } = new(block.FeedForward.Gate);

        public Matrix Up { get; } = new(block.FeedForward.Up);

        public Matrix Down { get; } = new(block.FeedForward.Down);
    }
}
