using Microsoft.Extensions.AI;

namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>Lets the policy go on with texts.</summary>
/// <param name="texts">[B] token ids.</param>
/// <param name="places">[B] which answers of the task they belong to, counted from 0.</param>
/// <param name="most">New tokens of each at most.</param>
/// <param name="cancel">Looked at for every token.</param>
/// <returns>[B] new token ids, at least one each.</returns>
internal delegate IReadOnlyList<int[]> TurnSampling(
    IReadOnlyList<int[]> texts, IReadOnlyList<int> places, int most, CancellationToken cancel);

/// <summary>What is answered.</summary>
/// <param name="Step">That needs it, counted from 1.</param>
/// <param name="Prompts">Which prompts of the run, one behind the other; each stands there as often as it is answered.</param>
/// <param name="Queries">Their token ids.</param>
internal sealed record RolloutTask(int Step, IReadOnlyList<int> Prompts, IReadOnlyList<int[]> Queries);

/// <summary>How prompts are answered, where more than one turn belongs to it.</summary>
internal interface IRollout
{
    /// <summary>Answers prompts.</summary>
    /// <param name="task">What is answered.</param>
    /// <param name="sample">Lets the policy write; called any number of times, for those that are not at their end.</param>
    /// <param name="cancel">Ends it.</param>
    RolloutDraw Draw(RolloutTask task, TurnSampling sample, CancellationToken cancel);
}

/// <summary>The answers.</summary>
/// <param name="Completions">One for each prompt of the task.</param>
/// <param name="Figures">By TRL's names.</param>
internal sealed record RolloutDraw(IReadOnlyList<DrawnCompletion> Completions, Dictionary<string, float> Figures)
{
    /// <summary>Of how much those figures are means that are none over all answers: of how many calls, for one.</summary>
    public IReadOnlyDictionary<string, double> Weights { get; init; } = new Dictionary<string, double>();

    /// <summary>Answers of a single turn.</summary>
    public static RolloutDraw OfOneTurn(IReadOnlyList<int[]> queries, IReadOnlyList<int[]> responses) =>
        new([.. queries.Zip(responses, (query, response) => new DrawnCompletion(query, response))], []);
}

/// <summary>An answer.</summary>
/// <param name="Query">Token ids of the prompt, as the policy read it.</param>
/// <param name="Ids">All token ids behind it, those of others too.</param>
/// <param name="Own">Which of them the policy wrote; null = all.</param>
internal sealed record DrawnCompletion(int[] Query, int[] Ids, bool[]? Own = null)
{
    /// <summary>What rewards are told of it; null = there is nothing but the tokens.</summary>
    public RolloutTurns? Turns { get; init; }

    /// <summary>What of it has room in so many tokens of prompt and completion; the prompt has room for itself and one more.</summary>
    public DrawnCompletion Within(int most)
    {
        int room = most - Query.Length;
        return room >= Ids.Length ? this : this with { Ids = Ids[..room], Own = Own?[..room] };
    }

    /// <summary>Prompt and completion, of which what the policy wrote is learnt.</summary>
    public TokenExample Text => new([.. Query, .. Ids], Query.Length)
    {
        Learned = Own is null ? null : [.. new bool[Query.Length], .. Own],
    };

    /// <summary>How many tokens the policy wrote.</summary>
    public int OwnTokens => Own?.Count(own => own) ?? Ids.Length;
}

/// <summary>How an answer came about.</summary>
/// <param name="Prompt">As the policy read it.</param>
/// <param name="Messages">Its turns, those of others too.</param>
/// <param name="Environment">That it acted in; null = none.</param>
internal sealed record RolloutTurns(RowPrompt Prompt, IReadOnlyList<ChatMessage> Messages, IEnvironment? Environment)
{
    /// <summary>What else rewards are told.</summary>
    public IReadOnlyDictionary<string, object?> Fields { get; init; } = RewardRow.NoFields;
}
