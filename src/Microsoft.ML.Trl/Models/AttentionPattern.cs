using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>
/// Who sees whom in one call of a decoder: each token sees the real tokens before it and itself, as far back as the window reaches; in an
/// encoder, those behind it, too.
/// Made once per call and shared by all blocks, with what they would otherwise each work out. Its tensors belong to the dispose scope of
/// that call.
/// </summary>
internal sealed partial class AttentionPattern
{
    private readonly Tensor? _real; // [B, S] bool; null when every token is real
    private readonly Tensor? _step; // [B, 1, 1, S] what is added to the scores of one new, real token
    private readonly Device _device;
    private readonly DisposeScope _scope = CurrentDisposeScope!;
    private readonly OrderedDictionary<object, Tensor[]> _known = [];

    private AttentionPattern(long batch, long length, long past, Device device, Tensor? real = null, Tensor? step = null)
        => (Batch, Length, Past, _device, _real, _step) = (batch, length, past, device, real, step);

    /// <summary>Sequences.</summary>
    public long Batch { get; }

    /// <summary>New tokens per sequence.</summary>
    public long Length { get; }

    /// <summary>Tokens per sequence that are in the cache.</summary>
    public long Past { get; }

    /// <summary>Tokens of the longest text, cached ones included: one more than the largest position.</summary>
    public long LongestText { get; private init; }

    /// <summary>Whether tokens see those behind them, too: an encoder.</summary>
    public bool SeesAhead { get; init; }

    /// <summary>Whether padding has positions as tokens have.</summary>
    private bool CountsPadding { get; init; }

    /// <summary>
    /// [B, T] int64 the kind of each token, in encoders that tell the sides of a pair apart; null = all of the first kind.
    /// </summary>
    public Tensor? TokenTypes { get; init; }

    /// <summary>
    /// Told where the routers of experts send the tokens of this call, all of which then go through all blocks; null = nobody.
    /// </summary>
    public RouterLoad? RouterLoad { get; init; }

    /// <summary>What an encoder says about the prompts, for decoders that look at it; null = there is no encoder.</summary>
    public EncodedPrompts? Prompts { get; init; }

    /// <summary>
    /// The texts that stand one behind the other in the single row of this pattern, each with the pattern of what it alone sees; those of
    /// one length share it. Null where each row is a text.
    /// </summary>
    public IReadOnlyList<TextRun>? Texts { get; private init; }

    /// <summary>Positions of the new tokens in their texts, padding not counted: [T] when nothing is padded, else [B·T]. int64.</summary>
    public Tensor Positions
    {
        get => Once(nameof(Positions), () => [CountPositions()])[0];
        private init => _known[nameof(Positions)] = [value];
    }

    /// <summary>Positions of all keys in their texts, padding not counted: [1 or B, S] int64.</summary>
    public Tensor KeyPositions => Once(nameof(KeyPositions), () => [CountKeyPositions()])[0];

    /// <summary>Reads the shapes and the mask.</summary>
    /// <param name="ids">[B, T] int64, checked.</param>
    /// <param name="mask">[B, past + T], true (or not 0) on real tokens; null when all are real or the padding is on the right.</param>
    /// <param name="past">Tokens in the cache.</param>
    /// <param name="config">Tells the longest sequence of the model, and whether it is an encoder.</param>
    /// <param name="tokenTypes">See <see cref="TokenTypes"/>.</param>
    /// <param name="prompts">See <see cref="Prompts"/>.</param>
    /// <param name="load">See <see cref="RouterLoad"/>.</param>
    /// <exception cref="ArgumentException">
    /// The mask does not fit, the sequence is longer than the model's context, or a cached one grows to where other frequencies hold.
    /// </exception>
    public static AttentionPattern Create(
        Tensor ids, Tensor? mask, long past, ModelConfig config, Tensor? tokenTypes = null, EncodedPrompts? prompts = null,
        RouterLoad? load = null)
    {
        (long batch, long length) = (ids.size(0), ids.size(1));
        Tensor? real = mask is null ? null : RealTokens(ids, mask, past);
        (long shortest, long longest) = real is null ? (past + length, past + length) : CountTokens(real);
        longest = config.Family.CountsPadding ? past + length : longest;
        CheckContext(longest, config.ContextLength);
        CheckFrequencies(past, longest, config.Rope);
        return new AttentionPattern(batch, length, past, ids.device, shortest == past + length ? null : real)
        {
            LongestText = longest,
            SeesAhead = config.Family.IsEncoder,
            CountsPadding = config.Family.CountsPadding,
            TokenTypes = tokenTypes,
            RouterLoad = load,
            Prompts = prompts,
        };
    }

    private static Tensor RealTokens(Tensor ids, Tensor mask, long past)
    {
        (long batch, long length) = (ids.size(0), ids.size(1));
        RequireTensor.Alive(mask);
        RequireTensor.Beside(mask, ids, "the token ids");
        if (mask.is_complex())
            throw new ArgumentException($"The mask must be bool, or numbers that are 0 at padding; it is {mask.dtype}.", nameof(mask));
        if (!mask.shape.SequenceEqual([batch, past + length]))
            throw new ArgumentException(
                $"The mask must have shape [{batch}, {past + length}] (cached and new tokens); it has [{string.Join(", ", mask.shape)}].",
                nameof(mask));
        return mask.dtype == ScalarType.Bool ? mask : mask.ne(0);
    }

    /// <summary>The pattern of texts without padding whose tokens do not stand at 0, 1, 2, ...; positions [batch · length] int64.</summary>
    public static AttentionPattern At(long batch, long length, Tensor positions) =>
        new(batch, length, 0, positions.device) { Positions = positions, LongestText = length };

    /// <summary>The pattern of texts that stand one behind the other in one row.</summary>
    /// <param name="parts">The texts; some may go on from an earlier one.</param>
    /// <param name="longest">See <see cref="LongestText"/>.</param>
    /// <param name="device">Of the model.</param>
    /// <param name="config">Tells the longest sequence of the model, and whether it is an encoder.</param>
    /// <param name="load">See <see cref="RouterLoad"/>.</param>
    /// <exception cref="ArgumentException">A text is longer than the model's context.</exception>
    public static AttentionPattern OneBehindTheOther(
        IReadOnlyList<TextPart> parts, long longest, Device device, ModelConfig config, RouterLoad? load = null)
    {
        CheckContext(longest, config.ContextLength);
        long[] positions = [.. parts.SelectMany(part => Enumerable.Range(part.Start, part.Length).Select(place => (long)place))];
        return new(1, positions.Length, 0, device)
        {
            Positions = tensor(positions, device: device),
            Texts = TextRun.Of(parts, (length, past) => new(1, length, past, device)
            {
                LongestText = past + length,
                SeesAhead = config.Family.IsEncoder,
            }),
            LongestText = longest,
            SeesAhead = config.Family.IsEncoder,
            RouterLoad = load,
        };
    }

    /// <summary>The pattern of one more token per text, all of them real. What is the same for every step comes ready.</summary>
    /// <param name="past">Tokens in the cache.</param>
    /// <param name="positions">[1] or [B] int64.</param>
    /// <param name="scores">
    /// [B, 1, 1, past + 1] what is added to the scores: negative infinity on padding. Null when nothing is padded.
    /// </param>
    /// <param name="batch">Sequences.</param>
    /// <param name="longest">See <see cref="LongestText"/>.</param>
    /// <param name="prompts">See <see cref="Prompts"/>.</param>
    public static AttentionPattern Step(
        long batch, long past, Tensor positions, Tensor? scores, long longest, EncodedPrompts? prompts = null) =>
        new(batch, 1, past, positions.device, step: scores) { Positions = positions, LongestText = longest, Prompts = prompts };

    /// <summary>
    /// Whether each token sees all before it and itself, and there are none but the new ones: what causal attention means without a mask.
    /// </summary>
    /// <param name="window">Tokens a query looks back, itself included; null without limit.</param>
    public bool IsCausal(int? window) => !SeesAhead && _real is null && Past == 0 && Length > 1 && (window is null || Length <= window);

    /// <summary>
    /// Keys that a single new token may look at at all: the last of them, as many as the window holds; null for all of them.
    /// </summary>
    public long? Reach(int? window) => Length == 1 && Past + 1 > window ? window : null;

    /// <summary>
    /// What is added to the scores: 0 where a query sees a key, else negative infinity. Null when every query sees every key.
    /// </summary>
    /// <param name="window">Tokens a query looks back, itself included; null without limit.</param>
    /// <param name="type">Type of the scores.</param>
    /// <returns>[B or 1, 1, T, S]; with a <see cref="Reach"/>, its last keys only.</returns>
    public Tensor? Mask(int? window, ScalarType type)
    {
        if (SeesAhead && _real is null)
            return null;
        if (Length == 1 && _real is null)
            return _step is null ? null : Once((window, type), () => [LastKeys(_step, window).to_type(type)])[0];
        return Once((window, type), () => [BuildMask(window, type)])[0];
    }

    /// <summary>What is added to the scores of attention to the prompts, [B, 1, 1, S]; null when every query sees every key.</summary>
    /// <param name="type">Type of the scores.</param>
    public Tensor? PromptMask(ScalarType type)
    {
        Tensor[] mask = Once((nameof(Prompts), type), () => Prompts!.Mask(type) is { } made ? [made] : []);
        return mask.Length == 0 ? null : mask[0];
    }

    /// <summary>Tensors that all blocks share, made when the first asks.</summary>
    /// <returns>Owned by the scope of the decoder's call.</returns>
    public Tensor[] Once(object key, Func<Tensor[]> make)
    {
        if (_known.TryGetValue(key, out Tensor[]? known) || _outer?._known.TryGetValue(key, out known) == true)
            return known!;
        using var scope = NewDisposeScope(); // a tensor that is moved to the very scope it is in would be lost to it
        Tensor[] made = make();
        AttentionPattern owner = _outer is not null && !made.Any(tensor => tensor.requires_grad) ? _outer : this;
        return owner._known[key] = [.. made.Select(tensor => tensor.MoveToOtherDisposeScope(owner._scope))];
    }

    private static void CheckContext(long tokens, int contextLength)
    {
        if (tokens > contextLength)
            throw new ArgumentException(
                $"The sequence has {tokens} tokens, but the model's context holds {contextLength}; " +
                "shorten the texts or set a smaller maximum length.");
    }

    /// <summary>What is in a cache was turned by the frequencies of short texts or by those of long ones.</summary>
    private static void CheckFrequencies(long past, long longest, RopeSettings? rope)
    {
        if (past > 0 && rope?.LongestShortText is { } limit && past <= limit && longest > limit)
            throw new ArgumentException(
                $"A text grows from {past} to {longest} tokens, but the model reads texts of more than {limit} tokens by other rotary "
                + "frequencies than shorter ones; read it again from the start, with a new cache.");
    }

    /// <summary>Real tokens of the shortest and of the longest row.</summary>
    private static (long Shortest, long Longest) CountTokens(Tensor real)
    {
        using var scope = NewDisposeScope();
        long[] counts = real.sum(1).cpu().data<long>().ToArray();
        return (counts.Min(), counts.Max());
    }

    private Tensor BuildMask(int? window, ScalarType type)
    {
        Tensor query = arange(Past, Past + Length, ScalarType.Int64, _device).unsqueeze(-1); // [T, 1]
        Tensor key = arange(Past + Length, ScalarType.Int64, _device).unsqueeze(0);          // [1, S]
        Tensor hidden = SeesAhead ? zeros(Length, Past + Length, ScalarType.Bool, _device) : key.gt(query);
        if (window is { } reach)
            hidden = hidden.logical_or(key.le(query - reach));
        hidden = hidden.view(1, 1, Length, Past + Length);
        if (_real is not null)
        {
            Tensor padding = _real.logical_not().view(Batch, 1, 1, Past + Length);
            // where nobody sees ahead, padding sees itself, so that no row of the softmax is empty
            hidden = hidden.logical_or(SeesAhead ? padding : padding.logical_and(key.ne(query)));
        }
        Tensor mask = zeros_like(hidden, type).masked_fill_(hidden, double.NegativeInfinity);
        return LastKeys(mask, window);
    }

    private Tensor LastKeys(Tensor scores, int? window) =>
        Reach(window) is { } last ? scores.narrow(3, Past + 1 - last, last) : scores;

    private Tensor CountKeyPositions()
    {
        if (_real is not null)
            return _real.to_type(ScalarType.Int64).cumsum(1).sub_(1).clamp_(0);
        Tensor keys = arange(Past + Length, ScalarType.Int64, _device).unsqueeze(0);
        return Length == 1 ? (keys + (Positions.unsqueeze(-1) - Past)).clamp_(0) // behind padding the first keys stand before the text
            : Positions.shape[0] == Length ? keys
            : Positions.view(Batch, Length);
    }

    private Tensor CountPositions() => _real is null || CountsPadding
        ? arange(Past, Past + Length, ScalarType.Int64, _device)
        : _real.to_type(ScalarType.Int64).cumsum(1).sub_(1).clamp_(0).narrow(1, Past, Length).reshape(-1);
}
