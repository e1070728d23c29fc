using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Microsoft.ML.Trl;

/// <summary>
/// Says how good completions are; higher is better. PPO asks it for every batch, GRPO and RLOO ask several. Scores must be finite, one
/// per completion; null says that the reward does not apply to a completion.
/// </summary>
/// <remarks>
/// A function sees prompt and completion, or the whole <see cref="RewardRow"/>, and with a class of its own the other columns of the row:
/// <c>RewardFunction.Of&lt;Question&gt;((question, row) => row.Completion.Contains(question.Answer) ? 1 : 0)</c> reads the column
/// <c>Answer</c> into the property of that name, as <c>ml.Data.CreateEnumerable</c> does. Through the row it can also show more of what it
/// found: <see cref="RewardRow.LogExtra"/> and <see cref="RewardRow.LogMetric"/>.
/// </remarks>
public abstract class RewardFunction
{
    private protected RewardFunction(string name) => Name = name;

    /// <summary>
    /// What metrics call it: <c>rewards/{name}/mean</c>. The method's name; <c>reward</c> of a lambda; the folder's name of a reward model,
    /// or <c>reward_model</c>; the column's name of a transformer; <c>judge</c>, <c>human</c>, <c>weighted_sum</c>. Where several have one
    /// name, each gets its number among them, from 1: <c>reward_1</c>, <c>reward_2</c>.
    /// </summary>
    public string Name { get; private set; }

    /// <summary>The same reward under another name.</summary>
    /// <param name="name">Not empty.</param>
    /// <returns>A variant; this one keeps its name.</returns>
    /// <exception cref="ArgumentException">The name is empty.</exception>
    public RewardFunction Named(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (string.IsNullOrWhiteSpace(name))
            throw new ArgumentException(
                "The name of a reward is empty; metrics are called after it, such as rewards/length/mean.", nameof(name));
        var variant = (RewardFunction)MemberwiseClone();
        variant.Name = name;
        return variant;
    }

    /// <summary>A function of one prompt and its completion.</summary>
    /// <param name="score">Called on the training thread, row after row.</param>
    public static RewardFunction Of(Func<string, string, double> score)
    {
        ArgumentNullException.ThrowIfNull(score);
        return new BatchReward(RewardNames.Of(score), rows => [.. rows.Select(row => (double?)score(row.Prompt, row.Completion))]);
    }

    /// <summary>A function of one completion with all that is known about it.</summary>
    /// <param name="score">Called on the training thread, row after row.</param>
    public static RewardFunction Of(Func<RewardRow, double> score)
    {
        ArgumentNullException.ThrowIfNull(score);
        return new BatchReward(RewardNames.Of(score), rows => [.. rows.Select(row => (double?)score(row))]);
    }

    /// <summary>A function of one completion and of the columns of its row.</summary>
    /// <typeparam name="TRow">Its properties are columns of the data.</typeparam>
    /// <param name="score">Called on the training thread, row after row.</param>
    public static RewardFunction Of<TRow>(Func<TRow, RewardRow, double> score)
        where TRow : class, new()
    {
        ArgumentNullException.ThrowIfNull(score);
        return new ColumnsReward<TRow>(RewardNames.Of(score), (data, rows) => [.. data.Zip(rows, (of, row) => (double?)score(of, row))]);
    }

    /// <summary>A function of one prompt and its completion that may not apply to it.</summary>
    /// <param name="score">Called on the training thread, row after row. Null = does not apply.</param>
    public static RewardFunction Of(Func<string, string, double?> score)
    {
        ArgumentNullException.ThrowIfNull(score);
        return new BatchReward(RewardNames.Of(score), rows => [.. rows.Select(row => (double?)score(row.Prompt, row.Completion))]);
    }

    /// <summary>A function of one completion with all that is known about it, which may not apply to it.</summary>
    /// <param name="score">Called on the training thread, row after row. Null = does not apply.</param>
    public static RewardFunction Of(Func<RewardRow, double?> score)
    {
        ArgumentNullException.ThrowIfNull(score);
        return new BatchReward(RewardNames.Of(score), rows => [.. rows.Select(row => (double?)score(row))]);
    }

    /// <summary>A function of one completion and of the columns of its row, which may not apply to it.</summary>
    /// <typeparam name="TRow">Its properties are columns of the data.</typeparam>
    /// <param name="score">Called on the training thread, row after row. Null = does not apply.</param>
    public static RewardFunction Of<TRow>(Func<TRow, RewardRow, double?> score)
        where TRow : class, new()
    {
        ArgumentNullException.ThrowIfNull(score);
        return new ColumnsReward<TRow>(RewardNames.Of(score), (data, rows) => [.. data.Zip(rows, score)]);
    }

    /// <summary>A function of many prompts and their completions.</summary>
    /// <param name="score">Returns one score per completion.</param>
    [OverloadResolutionPriority(1)] // a lambda that returns a list expression fits both
    public static RewardFunction OfBatch(Func<IReadOnlyList<string>, IReadOnlyList<string>, IReadOnlyList<double>> score)
    {
        ArgumentNullException.ThrowIfNull(score);
        return new BatchReward(
            RewardNames.Of(score),
            rows => BatchReward.Wide(score([.. rows.Select(row => row.Prompt)], [.. rows.Select(row => row.Completion)])));
    }

    /// <summary>A function of many completions with all that is known about them.</summary>
    /// <param name="score">Returns one score per completion.</param>
    [OverloadResolutionPriority(1)] // a lambda that returns a list expression fits both
    public static RewardFunction OfBatch(Func<IReadOnlyList<RewardRow>, IReadOnlyList<double>> score)
    {
        ArgumentNullException.ThrowIfNull(score);
        return new BatchReward(RewardNames.Of(score), rows => BatchReward.Wide(score(rows)));
    }

    /// <summary>A function of many completions and of the columns of their rows.</summary>
    /// <typeparam name="TRow">Its properties are columns of the data.</typeparam>
    /// <param name="score">Returns one score per completion.</param>
    [OverloadResolutionPriority(1)] // a lambda that returns a list expression fits both
    public static RewardFunction OfBatch<TRow>(Func<IReadOnlyList<TRow>, IReadOnlyList<RewardRow>, IReadOnlyList<double>> score)
        where TRow : class, new()
    {
        ArgumentNullException.ThrowIfNull(score);
        return new ColumnsReward<TRow>(RewardNames.Of(score), (data, rows) => BatchReward.Wide(score(data, rows)));
    }

    /// <summary>A function of many prompts and their completions, which may not apply to some.</summary>
    /// <param name="score">Returns one score per completion, null for those to which it does not apply.</param>
    public static RewardFunction OfBatch(Func<IReadOnlyList<string>, IReadOnlyList<string>, IReadOnlyList<double?>> score)
    {
        ArgumentNullException.ThrowIfNull(score);
        return new BatchReward(
            RewardNames.Of(score),
            rows => score([.. rows.Select(row => row.Prompt)], [.. rows.Select(row => row.Completion)]));
    }

    /// <summary>A function of many completions with all that is known about them, which may not apply to some.</summary>
    /// <param name="score">Returns one score per completion, null for those to which it does not apply.</param>
    public static RewardFunction OfBatch(Func<IReadOnlyList<RewardRow>, IReadOnlyList<double?>> score)
    {
        ArgumentNullException.ThrowIfNull(score);
        return new BatchReward(RewardNames.Of(score), rows => score(rows));
    }

    /// <summary>A function of many completions and of the columns of their rows, which may not apply to some.</summary>
    /// <typeparam name="TRow">Its properties are columns of the data.</typeparam>
    /// <param name="score">Returns one score per completion, null for those to which it does not apply.</param>
    public static RewardFunction OfBatch<TRow>(Func<IReadOnlyList<TRow>, IReadOnlyList<RewardRow>, IReadOnlyList<double?>> score)
        where TRow : class, new()
    {
        ArgumentNullException.ThrowIfNull(score);
        return new ColumnsReward<TRow>(RewardNames.Of(score), (data, rows) => score(data, rows));
    }

    /// <summary>A function that takes its time, such as a call to a service.</summary>
    /// <param name="score">Runs on pool threads, for several completions of a batch at once, and beside other rewards.</param>
    /// <param name="atOnce">Completions asked for at the same time at most. At least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is below 1.</exception>
    public static RewardFunction OfAsync(Func<string, string, CancellationToken, Task<double>> score, int atOnce = 16)
    {
        ArgumentNullException.ThrowIfNull(score);
        Require.AtLeast(atOnce, 1);
        return new AsyncReward(
            RewardNames.Of(score), AsyncReward.Wide((row, cancel) => score(row.Prompt, row.Completion, cancel)), atOnce);
    }

    /// <summary>A function of all that is known about a completion that takes its time, such as a call to a service.</summary>
    /// <param name="score">Runs on pool threads, for several completions of a batch at once, and beside other rewards.</param>
    /// <param name="atOnce">Completions asked for at the same time at most. At least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is below 1.</exception>
    public static RewardFunction OfAsync(Func<RewardRow, CancellationToken, Task<double>> score, int atOnce = 16)
    {
        ArgumentNullException.ThrowIfNull(score);
        Require.AtLeast(atOnce, 1);
        return new AsyncReward(RewardNames.Of(score), AsyncReward.Wide(score), atOnce);
    }

    /// <summary>A function that takes its time, such as a call to a service, and may not apply to a completion.</summary>
    /// <param name="score">
    /// Runs on pool threads, for several completions of a batch at once, and beside other rewards. Null = does not apply.
    /// </param>
    /// <param name="atOnce">Completions asked for at the same time at most. At least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is below 1.</exception>
    public static RewardFunction OfAsync(Func<string, string, CancellationToken, Task<double?>> score, int atOnce = 16)
    {
        ArgumentNullException.ThrowIfNull(score);
        Require.AtLeast(atOnce, 1);
        return new AsyncReward(RewardNames.Of(score), (row, cancel) => score(row.Prompt, row.Completion, cancel), atOnce);
    }

    /// <summary>A function of all that is known about a completion that takes its time, and may not apply to it.</summary>
    /// <param name="score">
    /// Runs on pool threads, for several completions of a batch at once, and beside other rewards. Null = does not apply.
    /// </param>
    /// <param name="atOnce">Completions asked for at the same time at most. At least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is below 1.</exception>
    public static RewardFunction OfAsync(Func<RewardRow, CancellationToken, Task<double?>> score, int atOnce = 16)
    {
        ArgumentNullException.ThrowIfNull(score);
        Require.AtLeast(atOnce, 1);
        return new AsyncReward(RewardNames.Of(score), score, atOnce);
    }

    /// <summary>Any chat client as a judge: a model on this machine, or a service.</summary>
    /// <param name="judge">The caller owns it.</param>
    /// <param name="question">What it is asked about a completion; should ask for a number.</param>
    /// <param name="read">From its answer to the score; null = the first number in the answer.</param>
    /// <param name="options">How it answers, such as a temperature of 0; null = as the client does.</param>
    /// <param name="atOnce">Completions asked about at the same time at most. At least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is below 1.</exception>
    public static RewardFunction FromChatClient(
        IChatClient judge, Func<RewardRow, string> question, Func<string, double>? read = null, ChatOptions? options = null,
        int atOnce = 16)
    {
        ArgumentNullException.ThrowIfNull(judge);
        ArgumentNullException.ThrowIfNull(question);
        return OfAsync(new ChatJudge(judge, question, read, options).Score, atOnce).Named("judge");
    }

    /// <summary>What an environment says about the completion that acted in it. Does not apply where it is another one, or none.</summary>
    /// <typeparam name="TEnvironment">Its name is the reward's.</typeparam>
    /// <param name="score">Called on the training thread, completion after completion. Null = does not apply.</param>
    public static RewardFunction FromEnvironment<TEnvironment>(Func<TEnvironment, double?> score)
        where TEnvironment : class, IEnvironment
    {
        ArgumentNullException.ThrowIfNull(score);
        return Of(row => row.Environment is TEnvironment own ? score(own) : (double?)null).Named(typeof(TEnvironment).Name);
    }

    /// <summary>
    /// A reward model. It scores the very tokens that the policy wrote where its tokenizer is the policy's, and their text otherwise; an
    /// end token that the policy did not write is not added. Conversations are rendered by its own chat template, where it has one.
    /// </summary>
    /// <param name="model">The caller owns it, and disposes it after training.</param>
    public static RewardFunction FromModel(TextRewardModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return new ModelReward(model);
    }

    /// <summary>A column of numbers that a transformer makes: a reward model, a classifier, a whole pipeline.</summary>
    /// <param name="transformer">
    /// Gets text columns <c>Prompt</c>, <c>Completion</c>, <c>Text</c> (both in one), and where prompts are conversations what their rows
    /// have in <c>Tools</c> and <c>ChatTemplateKwargs</c>. The caller owns it.
    /// </param>
    /// <param name="scoreColumnName">
    /// Column of numbers or of vectors of numbers; null = <c>Score</c>, or <c>Probability</c> where there is no <c>Score</c>.
    /// </param>
    /// <param name="slot">Which number of a vector, from 0: the class that is wanted. Null where the column holds single numbers.</param>
    /// <exception cref="ArgumentException">The column has no name, or the slot is negative.</exception>
    public static RewardFunction FromTransformer(ITransformer transformer, string? scoreColumnName = null, int? slot = null)
    {
        ArgumentNullException.ThrowIfNull(transformer);
        if (scoreColumnName is not null)
            Require.Named(scoreColumnName);
        Require.AtLeast(slot, 0);
        return new TransformerReward(transformer, scoreColumnName, slot);
    }

    /// <summary>A human who reads prompt and completion and types a score; who types nonsense is asked again.</summary>
    /// <param name="lowest">Smallest score, which <c>-</c> stands for. Finite.</param>
    /// <param name="highest">Largest score, which <c>+</c> stands for. Finite, above the smallest.</param>
    /// <param name="canSkip">
    /// Whether an empty line is an answer: null, the reward does not apply. Set it to false where none can be left out, as in PPO.
    /// </param>
    /// <param name="input">Where the human types; null = the console. The caller owns it. Its end is an error.</param>
    /// <param name="output">Where the human reads; null = the console. The caller owns it.</param>
    /// <remarks>Cancelling ends the wait; the line that is typed next is still read, and lost.</remarks>
    /// <exception cref="ArgumentException">The range is empty, or an end is no finite number.</exception>
    public static RewardFunction FromConsole(
        double lowest = 0, double highest = 1, bool canSkip = true, TextReader? input = null, TextWriter? output = null)
    {
        Require.Finite(lowest);
        Require.Finite(highest);
        if (lowest >= highest)
            throw new ArgumentException(
                FormattableString.Invariant($"lowest ({lowest}) must be below highest ({highest}); give a range to choose from."),
                nameof(lowest));
        return new ConsoleReward(lowest, highest, canSkip, input ?? Console.In, output ?? Console.Out);
    }

    /// <summary>Several rewards, each times its weight. Those that take their time do so at the same time.</summary>
    /// <param name="parts">
    /// At least one; weights are finite numbers and may be negative. A part that does not apply to a completion (null) is left out of its
    /// sum; where none applies, neither does the sum.
    /// </param>
    /// <exception cref="ArgumentException">There is no part, or a weight is no finite number.</exception>
    public static RewardFunction WeightedSum(params IReadOnlyList<(RewardFunction Reward, double Weight)> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        return new WeightedReward(parts);
    }

    /// <summary>Whether it is awaited: such rewards are started first, so that the others run meanwhile.</summary>
    internal virtual bool IsAwaited => false;

    /// <summary>The reward model that scores; null where something else does. Its owner keeps it.</summary>
    internal virtual TextRewardModel? Model => null;

    /// <summary>Finds what is wrong before a model is loaded.</summary>
    internal virtual void Check(MLContext ml, DataViewSchema data) { }

    /// <summary>Gets ready for a run.</summary>
    internal abstract BoundReward Bind(RewardContext context);
}
