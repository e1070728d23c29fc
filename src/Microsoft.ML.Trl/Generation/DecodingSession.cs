using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Generation;

/// <summary>
/// Runs a model over a batch of growing rows, one token per row and call. Prompts are padded on the left. Call without gradients.
/// </summary>
internal sealed class DecodingSession : IDisposable
{
    private readonly CausalLanguageModel _model;
    private readonly IReadOnlyList<int[]> _prompts;
    private readonly int _width;
    private readonly KeyValueCache _cache;
    private Tensor? _padding; // [R] int64 padding before each row; null when there is none
    private Tensor? _scores;  // [R, 1, 1, capacity] what padding adds to the scores of attention

    /// <param name="model">In evaluation mode.</param>
    /// <param name="prompts">At least one row, none empty.</param>
    /// <param name="newTokens">Most tokens that will be added.</param>
    public DecodingSession(CausalLanguageModel model, IReadOnlyList<int[]> prompts, int newTokens)
    {
        (_model, _prompts, _width) = (model, prompts, prompts.Max(prompt => prompt.Length));
        _cache = new KeyValueCache(model.Body, prompts.Count, _width + newTokens);
        if (prompts.All(prompt => prompt.Length == _width))
            return;
        using DisposeScope scope = NewDisposeScope();
        Tensor padding = tensor([.. prompts.Select(prompt => (long)(_width - prompt.Length))], device: model.Device);
        Tensor isPadding = arange(_cache.Capacity, ScalarType.Int64, model.Device).unsqueeze(0) < padding.unsqueeze(-1); // [R, capacity]
        Tensor scores = zeros_like(isPadding, model.Type).masked_fill_(isPadding, double.NegativeInfinity);
        _scores = scores.unsqueeze(1).unsqueeze(1).DetachFromDisposeScope();
        _padding = padding.DetachFromDisposeScope();
    }

    /// <summary>Reads the prompts.</summary>
    /// <returns>[R, H] the final hidden state of each prompt's last token. The caller owns it.</returns>
    public Tensor Start()
    {
        using DisposeScope scope = NewDisposeScope();
        int rows = _prompts.Count;
        long[] ids = new long[rows * _width];
        for (int row = 0; row < rows; row++)
            for (int i = 0; i < _prompts[row].Length; i++)
                ids[((row + 1) * _width) - _prompts[row].Length + i] = _prompts[row][i];
        Tensor batch = tensor(ids, device: _model.Device).view(rows, _width);
        Tensor? mask = _scores?.view(rows, -1).narrow(1, 0, _width).eq(0);
        AttentionPattern pattern = AttentionPattern.Create(batch, mask, 0, _model.Config);
        Tensor last = arange(_width - 1, (long)rows * _width, _width, ScalarType.Int64, _model.Device);
        return _model.Body.Run(batch, pattern, _cache, last).MoveToOuterDisposeScope();
    }

    /// <summary>Reads one more token of each row.</summary>
    /// <param name="tokens">[R] int64.</param>
    /// <returns>[R, H] the final hidden states after them. The caller owns it.</returns>
    public Tensor Next(Tensor tokens)
    {
        using DisposeScope scope = NewDisposeScope();
        long past = _cache.Length;
        Tensor position = full(1, past, ScalarType.Int64, _model.Device);
        if (_padding is not null) // a row whose context has ended may still run along
            position = (position - _padding).clamp_max_(_model.Config.ContextLength - 1);
        AttentionPattern pattern = AttentionPattern.Step(_cache.Rows, past, position, _scores?.narrow(3, 0, past + 1));
        return _model.Body.Run(tokens, pattern, _cache).MoveToOuterDisposeScope();
    }

    /// <summary>Keeps some rows and forgets the others.</summary>
    /// <param name="rows">[rows that stay] int64.</param>
    public void Keep(Tensor rows)
    {
        _cache.Keep(rows);
        Replace(ref _padding, rows);
        Replace(ref _scores, rows);
    }

    public void Dispose()
    {
        _cache.Dispose();
        _padding?.Dispose();
        _scores?.Dispose();
    }

    private static void Replace(ref Tensor? tensor, Tensor rows)
    {
        using Tensor? all = tensor;
        tensor = all?.index_select(0, rows).DetachFromDisposeScope();
    }
}
