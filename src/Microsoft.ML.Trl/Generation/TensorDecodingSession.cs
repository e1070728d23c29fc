using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Generation;

/// <summary>Decoding by tensor operations: every device, type and family.</summary>
internal sealed class TensorDecodingSession : IDecodingSession
{
    private readonly CausalLanguageModel _model;
    private readonly IReadOnlyList<int[]> _prompts;
    private readonly int _width;
    private readonly KeyValueCache _cache;
    private readonly Tensor? _mask;
    private readonly HashSet<int> _ended = [];

    /// <param name="model">In evaluation mode.</param>
    /// <param name="prompts">At least one row, none empty.</param>
    /// <param name="newTokens">Most tokens that will be added.</param>
    public TensorDecodingSession(CausalLanguageModel model, IReadOnlyList<int[]> prompts, int newTokens)
    {
        (_model, _prompts, _width) = (model, prompts, prompts.Max(prompt => prompt.Length));
        _cache = new KeyValueCache(model.Body, prompts.Count, _width + newTokens);
        _mask = prompts.Any(prompt => prompt.Length < _width) ? Mask() : null;
    }

    /// <summary>Earlier tokens; those of row r begin after its padding.</summary>
    public KeyValueCache Cache => _cache;

    public float[]? States { get; set; }

    public void Start(float[] logits)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        long[] ids = new long[_prompts.Count * _width];
        for (int row = 0; row < _prompts.Count; row++)
            for (int place = 0; place < _prompts[row].Length; place++)
                ids[((row + 1) * _width) - _prompts[row].Length + place] = _prompts[row][place];
        Tensor hidden = Read(ids, _width);
        CopyLogits(hidden.narrow(1, _width - 1, 1).squeeze(1), logits);
    }

    public void Next(int[] rows, int[] tokens, float[] logits)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        long[] ids = new long[_prompts.Count]; // rows that have ended read token 0, and nobody looks
        for (int i = 0; i < rows.Length; i++)
            ids[rows[i]] = tokens[i];
        foreach (int row in Enumerable.Range(0, _prompts.Count).Except(rows).Where(_ended.Add))
            _mask?.select(0, row).narrow(0, _cache.Length, _cache.Capacity - _cache.Length).fill_(false);
        Tensor hidden = Read(ids, 1).squeeze(1);
        if (rows.Length < _prompts.Count)
            hidden = hidden.index_select(0, tensor(Array.ConvertAll(rows, row => (long)row)).to(hidden.device));
        CopyLogits(hidden, logits);
    }

    public void Dispose()
    {
        _cache.Dispose();
        _mask?.Dispose();
    }

    private Tensor Read(long[] ids, int length) // -> [B, length, H]
    {
        Tensor batch = tensor(ids).view(_prompts.Count, length).to(_model.Device);
        return _model.Hidden(batch, _mask?.narrow(1, 0, _cache.Length + length), _cache);
    }

    private void CopyLogits(Tensor hidden, float[] logits) // [N, H] -> [N · V]
    {
        Tensor result = _model.Logits(hidden).to_type(ScalarType.Float32).cpu().contiguous();
        MemoryMarshal.Cast<byte, float>(result.bytes).CopyTo(logits);
        if (States is not null)
            MemoryMarshal.Cast<byte, float>(hidden.to_type(ScalarType.Float32).cpu().contiguous().bytes).CopyTo(States);
    }

    private Tensor Mask() // [B, capacity], false on the padding
    {
        bool[] real = new bool[_prompts.Count * _cache.Capacity];
        for (int row = 0; row < _prompts.Count; row++)
            real.AsSpan((row * _cache.Capacity) + _width - _prompts[row].Length, _cache.Capacity - _width + _prompts[row].Length).Fill(true);
        using var scope = NewDisposeScope();
        return tensor(real).view(_prompts.Count, _cache.Capacity).to(_model.Device).DetachFromDisposeScope();
    }
}
