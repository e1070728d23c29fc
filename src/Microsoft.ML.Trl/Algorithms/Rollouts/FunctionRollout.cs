using Microsoft.Extensions.AI;

namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>Completions that a function of the user gives: TRL's <c>rollout_func</c>.</summary>
/// <param name="model">The policy.</param>
/// <param name="prompts">Of the run.</param>
/// <param name="options">With the function; validated.</param>
internal sealed class FunctionRollout(LanguageModel model, IReadOnlyList<PromptRow> prompts, GroupOptions options) : IRollout
{
    private readonly RolloutLimits _limits = new(
        1, model.Network.Config.VocabularySize, model.Network.Config.ContextLength, model.Network.Layout);

    /// <inheritdoc/>
    public RolloutDraw Draw(RolloutTask task, TurnSampling sample, CancellationToken cancel)
    {
        var request = new RolloutRequest(model, task, prompts, options.Generation, sample, cancel);
        IReadOnlyList<RolloutAnswer> answers = Ask(request, cancel);
        if (answers is null || answers.Count != task.Prompts.Count)
            throw new InvalidOperationException(
                $"RolloutFunc gave {(answers is null ? "null" : $"{answers.Count} answers")} for {task.Prompts.Count} prompts; give one "
                + "for each, in their order.");
        return new RolloutDraw([.. answers.Select((answer, place) => Completion(answer, place, task))], []);
    }

    private IReadOnlyList<RolloutAnswer> Ask(RolloutRequest request, CancellationToken cancel)
    {
        try
        {
            return options.RolloutFunc!(request, cancel).WaitAsync(cancel).GetAwaiter().GetResult();
        }
        catch (Exception cause)
        {
            cancel.ThrowIfCancellationRequested();
            throw new InvalidOperationException($"RolloutFunc threw {cause.GetType().Name}: {cause.Message}", cause);
        }
        finally
        {
            request.IsOpen = false;
        }
    }

    private DrawnCompletion Completion(RolloutAnswer answer, int place, RolloutTask task)
    {
        int[] query, ids;
        bool[]? own;
        try
        {
            ArgumentNullException.ThrowIfNull(answer);
            (query, ids) = (answer.PromptIds?.ToArray() ?? task.Queries[place], answer.CompletionIds?.ToArray()!);
            own = answer.EnvMask?.ToArray();
            RolloutChecks.CheckCompletion(query, ids, own, place, _limits);
        }
        catch (ArgumentException cause)
        {
            throw new InvalidOperationException($"RolloutFunc gave what cannot be learnt from: {cause.Message}", cause);
        }
        ChatMessage said = new(ChatRole.Assistant, model.Tokenizer.DecodeCompletion(ids));
        return new DrawnCompletion(query, ids, own)
        {
            Turns = new RolloutTurns(prompts[task.Prompts[place]].Prompt, [said], null) { Fields = answer.Fields ?? RewardRow.NoFields },
        };
    }
}
