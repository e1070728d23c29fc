using Microsoft.Extensions.AI;

namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>
/// Answers in several turns: functions that the policy calls give their results, environments answer. As in TRL's tool loop, what others
/// say is put behind the tokens that the policy wrote, which stay as they were drawn.
/// </summary>
internal sealed class MultiTurnRollout : IRollout
{
    private readonly LanguageModel _model;
    private readonly MultiTurnTools _tools;
    private readonly IReadOnlyList<PromptRow> _prompts;
    private readonly TypedRows _rows;
    private readonly GroupOptions _options;
    private readonly HashSet<int> _ends;
    private readonly TurnSuffix _suffix;
    private readonly ToolCallFormat? _format;

    /// <param name="model">The policy.</param>
    /// <param name="tools">What it may call and act in.</param>
    /// <param name="prompts">Of the run; at least one.</param>
    /// <param name="rows">The data that they are from.</param>
    /// <param name="options">Validated.</param>
    /// <exception cref="InvalidOperationException">The chat template cannot go on with a conversation, or knows no calls.</exception>
    /// <exception cref="NotSupportedException">It writes calls in a way that is not read.</exception>
    public MultiTurnRollout(
        LanguageModel model, MultiTurnTools tools, IReadOnlyList<PromptRow> prompts, TypedRows rows, GroupOptions options)
    {
        (_model, _tools, _prompts, _rows, _options) = (model, tools, prompts, rows, options);
        _ends = [.. options.Generation.EosTokenIds ?? model.Network.Config.EosTokenIds];
        _suffix = new TurnSuffix(model.Tokenizer, _ends);
        if (tools.Schemas is null)
            return;
        TemplateCells with = prompts[0].Prompt.With;
        _format = ToolCallFormat.Of(model.Tokenizer, ConversationRows.Options(with));
        _suffix.CheckResults(with);
    }

    /// <inheritdoc/>
    public RolloutDraw Draw(RolloutTask task, TurnSampling sample, CancellationToken cancel)
    {
        Dialogue[] all = new Dialogue[task.Prompts.Count];
        for (int place = 0; place < all.Length; place++)
            all[place] = Begin(_prompts[task.Prompts[place]], place, cancel);
        var caller = new ToolCaller();
        Dialogue[] open = all;
        for (int turn = 0; open.Length > 0; turn++)
        {
            Speak(open, sample, cancel);
            if (turn >= (_options.MaxToolCallingIterations ?? int.MaxValue))
                break;
            open = Answer(open, caller, cancel).GetAwaiter().GetResult();
        }
        return new RolloutDraw([.. all.Select(dialogue => dialogue.Finished)], _tools.Schemas is null ? [] : caller.Figures(all.Length))
        {
            Weights = caller.Weights,
        };
    }

    private Dialogue Begin(PromptRow row, int place, CancellationToken cancel)
    {
        RowPrompt prompt = row.Prompt;
        IEnvironment? environment = _tools.Environment(place);
        if (environment is not null)
        {
            var data = EnvironmentRow.Of(prompt.Given, row.Number, _rows);
            string? observation = Asked(environment, "ResetAsync", row.Number, () => environment.ResetAsync(data, cancel), cancel)
                .GetAwaiter().GetResult();
            prompt = Observed(row, observation);
        }
        int room = Math.Min(_options.Generation.MaxNewTokens, _model.Network.Config.ContextLength - prompt.Ids.Length);
        return new Dialogue(row.Number, prompt, room, _tools.Of(environment), environment) { Place = place };
    }

    /// <summary>The prompt with what the environment says at its end.</summary>
    private RowPrompt Observed(PromptRow row, string? observation)
    {
        if (string.IsNullOrEmpty(observation))
            return row.Prompt;
        string reason;
        try
        {
            string json = MessageList.Parse(row.Prompt.Given).WithLastWords(observation).ToJson();
            RowPrompt prompt = _model.Codec.Rows(isConversational: true).Prompt(json, row.Prompt.With);
            if (_model.Codec.Unanswerable(prompt.Ids) is not { } problem)
                return prompt;
            reason = problem;
        }
        catch (InvalidDataException cause)
        {
            reason = cause.Message;
        }
        throw new InvalidOperationException(
            $"What the environment said in the beginning cannot follow the prompt of row {row.Number}: {reason}");
    }

    private void Speak(Dialogue[] open, TurnSampling sample, CancellationToken cancel)
    {
        IReadOnlyList<int[]> turns = sample(
            [.. open.Select(dialogue => dialogue.Text)], [.. open.Select(dialogue => dialogue.Place)],
            open.Max(dialogue => dialogue.Room), cancel);
        for (int row = 0; row < open.Length; row++)
        {
            int[] ids = turns[row][..Math.Min(turns[row].Length, open[row].Room)];
            bool hasEnded = _ends.Contains(ids[^1]);
            open[row].Say(ids, hasEnded, Parsed(hasEnded ? ids[..^1] : ids));
        }
    }

    private ParsedTurn Parsed(int[] ids)
    {
        ParsedTurn? turn = _format?.Parse(_model.Tokenizer.DecodeCompletion(ids, skipSpecialTokens: false));
        return turn is { Calls.Count: > 0 } ? turn : new ParsedTurn(_model.Tokenizer.DecodeCompletion(ids), []);
    }

    /// <summary>Lets others answer what the policy said.</summary>
    /// <returns>Those in which the policy goes on.</returns>
    private async Task<Dialogue[]> Answer(Dialogue[] open, ToolCaller caller, CancellationToken cancel)
    {
        IReadOnlyList<ChatMessage>[] replies =
            await Task.WhenAll(open.Select(dialogue => Reply(dialogue, caller, cancel))).ConfigureAwait(false);
        return [.. open.Where((dialogue, row) => replies[row].Count > 0
            && dialogue.Hear(replies[row], _suffix.Behind(replies[row], dialogue.Prompt.With, dialogue.HasEnded)) && dialogue.Room > 0)];
    }

    private static async Task<IReadOnlyList<ChatMessage>> Reply(Dialogue dialogue, ToolCaller caller, CancellationToken cancel)
    {
        if (dialogue.Calls.Count > 0)
            return await caller.Call(dialogue.Calls, dialogue.Tools, cancel).ConfigureAwait(false);
        if (dialogue.Environment is not { } environment)
            return [];
        string? observation = await Asked(
            environment, "StepAsync", dialogue.Row, () => environment.StepAsync(dialogue.LastWords, cancel), cancel).ConfigureAwait(false);
        return observation is null ? [] : [new ChatMessage(ChatRole.User, observation)];
    }

    private static async Task<string?> Asked(
        IEnvironment environment, string what, long row, Func<ValueTask<string?>> ask, CancellationToken cancel)
    {
        try
        {
            cancel.ThrowIfCancellationRequested();
            return await ask().AsTask().WaitAsync(cancel).ConfigureAwait(false);
        }
        catch (Exception cause)
        {
            cancel.ThrowIfCancellationRequested();
            throw new InvalidOperationException(
                $"{what} of the environment {environment.GetType().Name} threw {cause.GetType().Name} for row {row}: {cause.Message}",
                cause);
        }
    }
}
