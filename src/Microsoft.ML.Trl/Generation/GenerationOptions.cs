using Microsoft.ML.Trl.Generation;

namespace Microsoft.ML.Trl;

/// <summary>
/// How texts are continued. Immutable; make variants with <c>with</c>. Names and meanings are those of transformers' GenerationConfig.
/// </summary>
public sealed record GenerationOptions
{
    /// <summary>
    /// Most tokens added to a prompt, the end token included. At least 1. Fewer are added where the model's context ends.
    /// </summary>
    public int MaxNewTokens { get; init; } = 64;

    /// <summary>Fewest tokens added: no end token is chosen before. From 0 to <see cref="MaxNewTokens"/>.</summary>
    public int MinNewTokens { get; init; }

    /// <summary>
    /// Whether tokens are drawn at random; otherwise the likeliest is taken, and what bends the draw (<see cref="Temperature"/> to
    /// <see cref="EtaCutoff"/>) has no effect.
    /// </summary>
    public bool DoSample { get; init; } = true;

    /// <summary>Divides the logits before drawing. Greater than 0; below 1 is bolder, above 1 more varied.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>Only the k likeliest tokens are drawn from; 0 is all.</summary>
    public int TopK { get; init; }

    /// <summary>
    /// Only the likeliest tokens that together reach this probability are drawn from (arXiv:1904.09751). In (0, 1]; 1 is all.
    /// </summary>
    public double TopP { get; init; } = 1;

    /// <summary>
    /// Only tokens at least this probable, relative to the likeliest, are drawn from (arXiv:2407.01082). In [0, 1]; 0 is all.
    /// </summary>
    public double MinP { get; init; }

    /// <summary>
    /// Only the tokens whose information is nearest to that expected, and that together reach this probability, are drawn from:
    /// locally typical sampling (arXiv:2202.00666). In (0, 1]; 1 is all.
    /// </summary>
    public double TypicalP { get; init; } = 1;

    /// <summary>Only tokens at least this probable are drawn from (arXiv:2210.15191, section 4). In [0, 1); 0 is all.</summary>
    public double EpsilonCutoff { get; init; }

    /// <summary>
    /// As <see cref="EpsilonCutoff"/>, with a limit that falls where the distribution is flat: the lesser of this and its root times
    /// e to the minus entropy (arXiv:2210.15191, Eq. 4). In [0, 1); 0 is all.
    /// </summary>
    public double EtaCutoff { get; init; }

    /// <summary>
    /// Texts that are followed at once; the one with the best score is the answer (beam search; with <see cref="DoSample"/>, its tokens
    /// are drawn without replacement). At least 1; 1 is no search. Not for rollouts of PPO, nor for streams.
    /// </summary>
    public int NumBeams { get; init; } = 1;

    /// <summary>
    /// Power of the number of new tokens that divides a beam's sum of log-probabilities. Above 0 favours long texts, below 0 short ones.
    /// </summary>
    public double LengthPenalty { get; init; } = 1;

    /// <summary>When beam search ends.</summary>
    public EarlyStopping EarlyStopping { get; init; }

    /// <summary>
    /// Completions of each prompt: with beams the best ones, at most <see cref="NumBeams"/>; else as many draws. At least 1. More than 1
    /// only where a call can give them back: not for columns of a pipeline, rollouts of PPO, nor streams.
    /// </summary>
    public int NumReturnSequences { get; init; } = 1;

    /// <summary>
    /// No run of so many tokens comes twice in prompt and completion together (arXiv:1705.04304, section 2.5). 0 or greater; 0 is off.
    /// </summary>
    public int NoRepeatNgramSize { get; init; }

    /// <summary>Runs of tokens that are not completed; each at least one token. An end token alone is not forbidden.</summary>
    public IReadOnlyList<IReadOnlyList<int>> BadWordsIds { get; init; } = [];

    /// <summary>Tokens that are never chosen.</summary>
    public IReadOnlyList<int> SuppressTokens { get; init; } = [];

    /// <summary>Tokens that are not chosen first.</summary>
    public IReadOnlyList<int> BeginSuppressTokens { get; init; } = [];

    /// <summary>The token that follows a prompt of a single token; null for none.</summary>
    public int? ForcedBosTokenId { get; init; }

    /// <summary>The last token of a row that reaches <see cref="MaxNewTokens"/> or the end of the context; null for none.</summary>
    public int? ForcedEosTokenId { get; init; }

    /// <summary>
    /// Divides positive and multiplies negative logits of tokens that the row already holds (arXiv:1909.05858). Greater than 0; 1 is off.
    /// </summary>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>
    /// What completions must be; null for anything. Needs a tokenizer; not together with <see cref="StopStrings"/>,
    /// <see cref="MinNewTokens"/> and forced tokens, nor for rollouts of PPO.
    /// </summary>
    public TextConstraint? Constraint { get; init; }

    /// <summary>A row ends when its new text contains one of these; they stay in the text. Needs a decoder from tokens to text.</summary>
    public IReadOnlyList<string> StopStrings { get; init; } = [];

    /// <summary>Tokens that end a row; null takes those of the model's configuration, an empty list ends none.</summary>
    public IReadOnlyList<int>? EosTokenIds { get; init; }

    /// <summary>
    /// Whether a transformer refuses a row that cannot be answered, since its prompt has no token or fills the context. Otherwise such a
    /// row gets an empty completion and a NaN score, and the log a warning.
    /// </summary>
    public bool RefuseUnanswerablePrompts { get; init; }

    /// <summary>
    /// Seed of the draw. In float32 a row's tokens are a function of the model, the prompt, this and the row's own seed; in bfloat16
    /// rounding differs with the rows beside it.
    /// </summary>
    public int Seed { get; init; }

    /// <summary>Checks every property.</summary>
    /// <returns>This.</returns>
    /// <exception cref="ArgumentException">A property is out of range; the message says which and what is allowed.</exception>
    /// <exception cref="NotSupportedException">A constraint that was read from a file uses something that is not supported.</exception>
    public GenerationOptions Validated()
    {
        GenerationChecks.All(this);
        return this;
    }

    /// <summary>Options that were set and change nothing with these others, each with the reason.</summary>
    internal IEnumerable<string> WithoutEffect()
    {
        if (!DoSample && BendsTheDraw)
            yield return "Temperature, TopK, TopP, MinP, TypicalP, EpsilonCutoff and EtaCutoff of Generation with DoSample false";
        if (!DoSample && Seed != 0)
            yield return "Seed of Generation with DoSample false";
        if (MinNewTokens > 0 && EosTokenIds is { Count: 0 })
            yield return "MinNewTokens of Generation without EosTokenIds";
        if (NumBeams == 1 && LengthPenalty != 1)
            yield return "LengthPenalty of Generation without NumBeams";
        if (NumBeams == 1 && EarlyStopping != EarlyStopping.False)
            yield return "EarlyStopping of Generation without NumBeams";
    }

    /// <summary>Whether tokens are drawn from another distribution than the one that is left to choose from.</summary>
    internal bool BendsTheDraw =>
        Temperature != 1 || TopK > 0 || TopP < 1 || MinP > 0 || TypicalP < 1 || EpsilonCutoff > 0 || EtaCutoff > 0;

    /// <summary>Checks every token id against the vocabulary of a model.</summary>
    /// <exception cref="ArgumentException">One is outside of it.</exception>
    internal void CheckTokens(int vocabulary) => GenerationChecks.Tokens(this, vocabulary);

    /// <summary>These options, checked, for a caller that has room for one completion of a prompt.</summary>
    /// <param name="caller">What it is, for the message.</param>
    /// <exception cref="ArgumentException">A property is out of range, or there would be several.</exception>
    internal GenerationOptions ValidatedForOne(string caller) => Validated().NumReturnSequences == 1 ? this
        : throw new ArgumentException(
            $"NumReturnSequences ({NumReturnSequences}) must be 1 for {caller}, which has room for one completion of a prompt; for more, "
            + "give a list of prompts to LanguageModel.Complete.");

    /// <summary>These options, checked, for rollouts, which know token ids alone and need each as it is drawn.</summary>
    /// <exception cref="ArgumentException">
    /// A property is out of range, or there would be several completions, beams or a constraint.
    /// </exception>
    internal GenerationOptions ValidatedForRollouts() => ValidatedForDraws("rollouts of PPO").Constraint is null ? this
        : throw new ArgumentException(
            "Constraint must be null for rollouts of PPO, which know token ids alone; let the reward tell what a text must be.");

    /// <summary>These options, checked, for a caller that needs every token as soon as it is chosen.</summary>
    /// <param name="caller">What it is, for the message.</param>
    /// <exception cref="ArgumentException">A property is out of range, there would be several completions, or beams.</exception>
    internal GenerationOptions ValidatedForDraws(string caller) => ValidatedForOne(caller).NumBeams == 1 ? this
        : throw new ArgumentException(
            $"NumBeams ({NumBeams}) must be 1 for {caller}: the tokens of beams are only known when the search ends.");
}
