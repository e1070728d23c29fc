using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>
/// The completions of one generation with all that they are learnt from, as numbers on the managed side. A <i>token</i> is one that is
/// learnt; those of all completions stand in one list.
/// </summary>
internal sealed record GroupRollout
{
    private readonly int[] _offsets;

    /// <param name="texts">Prompts with completions; those of a prompt one behind the other.</param>
    public GroupRollout(IReadOnlyList<TokenExample> texts)
    {
        Texts = texts;
        _offsets = new int[texts.Count + 1];
        for (int row = 0; row < texts.Count; row++)
            _offsets[row + 1] = _offsets[row] + texts[row].LearnedTokens();
        Order = [.. Enumerable.Range(0, texts.Count)];
        Advantages = new float[texts.Count];
    }

    /// <summary>Prompts with completions.</summary>
    public IReadOnlyList<TokenExample> Texts { get; }

    /// <summary>In which the passes read them.</summary>
    public int[] Order { get; init; }

    /// <summary>Of each completion.</summary>
    public float[] Advantages { get; init; }

    /// <summary>[N] of each token; null = that of its completion.</summary>
    public float[]? TokenAdvantages { get; init; }

    /// <summary>[N] under the weights that sampled; null where those are the weights that learn.</summary>
    public float[]? OldLogProbs { get; init; }

    /// <summary>[N]; null where there is no reference.</summary>
    public float[]? ReferenceLogProbs { get; init; }

    /// <summary>The completions of a pass.</summary>
    /// <param name="part">Counted from 0.</param>
    /// <param name="size">Completions per pass.</param>
    public int[] Rows(int part, int size) => Order[(part * size)..((part + 1) * size)];

    /// <summary>Tokens of some completions.</summary>
    public int TokenCount(IEnumerable<int> rows) => rows.Sum(row => _offsets[row + 1] - _offsets[row]);

    /// <summary>The tokens of each completion: [N] to [B][].</summary>
    public double[][] PerRow(double[] tokens) =>
        [.. Enumerable.Range(0, Texts.Count).Select(row => tokens[_offsets[row].._offsets[row + 1]])];

    /// <summary>What some completions are held against. The tensors belong to the current scope.</summary>
    /// <param name="rows">Which, in the order of the pass.</param>
    /// <param name="device">Where the tensors live.</param>
    public GroupTokens Tokens(int[] rows, Device device)
    {
        Tensor Numbers(IEnumerable<float> numbers) => tensor(numbers.ToArray(), dtype: ScalarType.Float32, device: device);
        Tensor? Picked(float[]? tokens) =>
            tokens is null ? null : Numbers(rows.SelectMany(row => tokens[_offsets[row].._offsets[row + 1]]));
        IEnumerable<long> rowOf = rows.SelectMany((row, place) => Enumerable.Repeat((long)place, TokenCount([row])));
        return new GroupTokens(
            rows.Length, tensor(rowOf.ToArray(), device: device), Numbers(rows.Select(row => Advantages[row])),
            Picked(OldLogProbs), Picked(ReferenceLogProbs))
        {
            TokenAdvantages = Picked(TokenAdvantages),
        };
    }

    /// <summary>What a model says about all tokens, without gradient.</summary>
    /// <param name="model">In evaluation mode.</param>
    /// <param name="options">Completions per forward pass, at which temperature they were drawn, and whether padding is read.</param>
    /// <param name="work">How a model reads them.</param>
    /// <returns>[N]</returns>
    public float[] LogProbsUnder(CausalLanguageModel model, GroupOptions options, GroupWork work)
    {
        using IDisposable frozen = no_grad();
        using DisposeScope scope = NewDisposeScope();
        VocabularyProjection head = model.Head with { Temperature = options.Generation.Temperature };
        return [.. Texts.Where(text => text.LearnedTokens() > 0).Chunk(options.PerDeviceTrainBatchSize).SelectMany(texts =>
        {
            using DisposeScope chunk = NewDisposeScope();
            using TokenBatch batch = model.BatchOf(texts, options.PaddingFree);
            Tensor hidden = work.Hidden?.Invoke(model, batch) ?? model.HiddenAt(batch);
            return LogProbs.OfHidden(hidden, head, batch.Labels).cpu().data<float>().ToArray();
        })];
    }
}
