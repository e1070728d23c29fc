using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Generation;

/// <summary>
/// Runs a model over a batch of growing rows, one token per row and call. Prompts are padded on the left. Where an encoder reads the
/// prompts, it does so once, and the rows begin with the decoder's start token. Call without gradients.
/// </summary>
internal sealed class DecodingSession : IDecoding
{
    private const int LeastShared = 16; // below, reading a beginning by itself costs more than it saves

    private readonly CausalLanguageModel _model;
    private readonly IReadOnlyList<int[]> _prompts; // those that differ
    private readonly long[]? _places;               // [R] which of them each row begins with; null where no two are equal
    private readonly int _width;
    private readonly KeyValueCache _cache;
    private readonly EncodedPrompts? _encoded; // what the encoder says about each row's prompt; null when there is none
    private Tensor? _padding; // [R] int64 padding before each row; null when there is none
    private Tensor? _scores;  // [R, 1, 1, capacity] what padding adds to the scores of attention

    /// <param name="model">In evaluation mode.</param>
    /// <param name="prompts">At least one row, none empty.</param>
    /// <param name="newTokens">Most tokens that will be added.</param>
    /// <exception cref="ArgumentException">They lead from the short rotary factors of the model to the long ones.</exception>
    public DecodingSession(CausalLanguageModel model, IReadOnlyList<int[]> prompts, int newTokens)
    {
        _model = model;
        (List<int[]> different, long[] places) = Different(prompts);
        _places = different.Count < prompts.Count ? places : null;
        _prompts = [.. different.Select(model.Layout.BeforeAnswer)];
        _width = _prompts.Max(prompt => prompt.Length);
        if (model.Config.Rope?.LongestShortText is { } limit && _width <= limit && _width + newTokens > limit + 1) // the last is not read
            throw new ArgumentException(
                $"The longest prompt has {_width} tokens, and {newTokens} new ones lead beyond {limit}, from where on the model reads by "
                + $"other rotary frequencies; set MaxNewTokens to {limit + 1 - _width} or less.", nameof(newTokens));
        _cache = new KeyValueCache(model.Body, _prompts.Count, _width + newTokens);
        _encoded = Encode(model, different);
        if (_prompts.All(prompt => prompt.Length == _width))
            return;
        using DisposeScope scope = NewDisposeScope();
        Tensor padding = tensor([.. _prompts.Select(prompt => (long)(_width - prompt.Length))], device: model.Device);
        Tensor isPadding = arange(_cache.Capacity, ScalarType.Int64, model.Device).unsqueeze(0) < padding.unsqueeze(-1); // [R, capacity]
        Tensor scores = zeros_like(isPadding, model.Type).masked_fill_(isPadding, double.NegativeInfinity);
        _scores = scores.unsqueeze(1).unsqueeze(1).DetachFromDisposeScope();
        _padding = padding.DetachFromDisposeScope();
    }

    /// <summary>Reads the prompts: equal ones once, and once what all of them begin with.</summary>
    /// <returns>[R, H] the final hidden state of each prompt's last token. The caller owns it.</returns>
    public Tensor Start()
    {
        Tensor hidden = Read();
        if (_places is null)
            return hidden;
        using DisposeScope scope = NewDisposeScope();
        using Tensor different = hidden;
        Keep(_places);
        return different.index_select(0, tensor(_places, device: _model.Device)).MoveToOuterDisposeScope();
    }

    private Tensor Read()
    {
        using DisposeScope scope = NewDisposeScope();
        int rows = _prompts.Count;
        long[] ids = new long[rows * _width];
        for (int row = 0; row < rows; row++)
            for (int i = 0; i < _prompts[row].Length; i++)
                ids[((row + 1) * _width) - _prompts[row].Length + i] = _prompts[row][i];
        int known = ReadBeginning();
        Tensor batch = tensor(ids, device: _model.Device).view(rows, _width).narrow(1, known, _width - known);
        Tensor? mask = _scores?.view(rows, -1).narrow(1, 0, _width).eq(0);
        AttentionPattern pattern = AttentionPattern.Create(batch, mask, known, _model.Config, prompts: _encoded);
        Tensor last = arange(batch.shape[1] - 1, batch.NumberOfElements, batch.shape[1], ScalarType.Int64, _model.Device);
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
        AttentionPattern pattern = AttentionPattern.Step(
            _cache.Rows, past, position, _scores?.narrow(3, 0, past + 1), past + 1, _encoded);
        return _model.Body.Run(tokens, pattern, _cache).MoveToOuterDisposeScope();
    }

    /// <summary>Keeps some rows and forgets the others; one may be kept more than once.</summary>
    /// <param name="rows">The rows that stay.</param>
    public void Keep(IReadOnlyList<long> rows)
    {
        _cache.Keep(rows);
        using Tensor kept = tensor(rows.ToArray(), device: _model.Device);
        _encoded?.Keep(kept);
        Replace(ref _padding, kept);
        Replace(ref _scores, kept);
    }

    /// <inheritdoc/>
    public Tensor Logits(Tensor states) => _model.Logits(states);

    /// <summary>Gives every row the text of another one of the same prompt.</summary>
    /// <param name="rows">[R] for each row, the one whose text it gets.</param>
    public void Rearrange(IReadOnlyList<long> rows) => _cache.Rearrange(rows);

    public void Dispose()
    {
        _cache.Dispose();
        _encoded?.Dispose();
        _padding?.Dispose();
        _scores?.Dispose();
    }

    /// <summary>The prompts without repetitions, and for each of the given ones which of them it is.</summary>
    private static (List<int[]> Different, long[] Places) Different(IReadOnlyList<int[]> prompts)
    {
        List<int[]> different = [];
        var places = new long[prompts.Count];
        var known = new Dictionary<int[], int>(SameNumbers.Instance);
        for (int row = 0; row < prompts.Count; row++)
        {
            if (known.TryAdd(prompts[row], different.Count))
                different.Add(prompts[row]);
            places[row] = known[prompts[row]];
        }
        return (different, places);
    }

    private static EncodedPrompts? Encode(CausalLanguageModel model, IReadOnlyList<int[]> prompts)
    {
        if (!model.Layout.HasEncoder)
            return null;
        using DisposeScope scope = NewDisposeScope();
        PromptBatch batch = PromptBatch.Create(prompts, model.Device);
        return model.Encode(batch.Ids, batch.Mask);
    }

    /// <summary>Reads the tokens that all prompts begin with, where that saves time, and hands them to the cache of each.</summary>
    /// <returns>How many columns of the batch are known now; a shorter prompt reads the last tokens of its beginning again.</returns>
    private int ReadBeginning()
    {
        int shared = _prompts.Min(prompt => _prompts[0].AsSpan().CommonPrefixLength(prompt.AsSpan(0, prompt.Length - 1)));
        if (_prompts.Count == 1 || shared < LeastShared || _model.Config.Rope?.LongestShortText is not null)
            return 0;
        using DisposeScope scope = NewDisposeScope();
        using KeyValueCache beginning = new(_model.Body, 1, shared);
        Tensor ids = tensor([.. _prompts[0].Take(shared).Select(id => (long)id)], device: _model.Device).view(1, shared);
        Tensor nothing = tensor([shared - 1L], device: _model.Device); // the last block does its least: nobody asks for its rows
        _model.Body.Run(ids, AttentionPattern.Create(ids, null, 0, _model.Config), beginning, nothing);
        _cache.Begin(beginning, [.. _prompts.Select(prompt => _width - prompt.Length)]);
        return shared;
    }

    private static void Replace(ref Tensor? tensor, Tensor rows)
    {
        using Tensor? all = tensor;
        tensor = all?.index_select(0, rows).DetachFromDisposeScope();
    }
}
