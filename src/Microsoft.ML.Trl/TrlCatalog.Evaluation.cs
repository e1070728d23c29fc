using Microsoft.ML.Data;
using Microsoft.ML.Trl.Evaluation;
using Microsoft.ML.Trl.Pipeline;

namespace Microsoft.ML.Trl;

public sealed partial class TrlCatalog
{
    /// <summary>Loss, perplexity and token accuracy on texts that the model has not learnt, such as a fold or a test set.</summary>
    /// <param name="model">A fitted transformer or chain: its last language model is evaluated.</param>
    /// <param name="data">Prompts and completions, or texts, as <c>Sft</c> reads them.</param>
    /// <param name="options">Columns, MaxLength, which tokens count, batch size; null = the defaults of SFT.</param>
    /// <param name="cancel">Looked at for every batch.</param>
    /// <exception cref="ArgumentException">An option is out of range, columns or rows cannot be used; the message names them.</exception>
    /// <exception cref="IOException">A source is a folder that is not there, or lacks a file.</exception>
    /// <exception cref="InvalidDataException">A file of a source is damaged, or a conversation cannot be rendered.</exception>
    /// <exception cref="InvalidOperationException">There are conversations, and the model has no chat template.</exception>
    /// <exception cref="NotSupportedException">
    /// Family, tokenizer or weights of a source are of a kind that is not supported; or it is an encoder-decoder, and data or options do
    /// not keep prompt and answer apart.
    /// </exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">A model was disposed.</exception>
    public LanguageModelMetrics EvaluateLanguageModel(
        ITransformer model, IDataView data, SftOptions? options = null, CancellationToken cancel = default) =>
        EvaluateLanguageModel(ModelSource.FromTransformer(model), data, options, cancel);

    /// <inheritdoc cref="EvaluateLanguageModel(ITransformer, IDataView, SftOptions?, CancellationToken)"/>
    public LanguageModelMetrics EvaluateLanguageModel(
        ModelSource model, IDataView data, SftOptions? options = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        options = (options ?? new SftOptions()).Validated() with { Packing = false };
        var reader = new SftReader(data, options);
        using Borrowed<LanguageModel> policy = Borrow(model);
        var counts = new RowCounts();
        List<TokenExample> examples = reader.Read(policy.Model.Codec, Limit(options.MaxLength, policy.Model), counts, cancel);
        Tell("Evaluate", counts);
        if (options.CompletionOnlyLoss == false)
            examples = [.. examples.Select(example => example with { PromptLength = 0 })];
        return LanguageModelEvaluator.Evaluate(policy.Model.Network, examples, options.PerDeviceTrainBatchSize, cancel);
    }

    /// <summary>How often a reward model prefers the better answer, and by how much.</summary>
    /// <param name="model">A fitted transformer or chain: its last reward model is evaluated.</param>
    /// <param name="data">Pairs, as <c>RewardModel</c> reads them.</param>
    /// <param name="options">Columns and MaxLength; null = the defaults.</param>
    /// <param name="cancel">Looked at for every pair.</param>
    /// <exception cref="ArgumentException">
    /// An option is out of range, columns or rows cannot be used, or there is no reward model; the message says so.
    /// </exception>
    /// <exception cref="IOException">A source is a folder that is not there, or lacks a file.</exception>
    /// <exception cref="InvalidDataException">A file of a source is damaged, or a conversation cannot be rendered.</exception>
    /// <exception cref="InvalidOperationException">There are conversations, and the model has no chat template.</exception>
    /// <exception cref="NotSupportedException">Family, tokenizer or weights of a source are of a kind that is not supported.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">A model was disposed.</exception>
    public PreferenceMetrics EvaluateRewardModel(
        ITransformer model, IDataView data, RewardOptions? options = null, CancellationToken cancel = default) =>
        EvaluateRewardModel(ModelSource.FromTransformer(model), data, options, cancel);

    /// <inheritdoc cref="EvaluateRewardModel(ITransformer, IDataView, RewardOptions?, CancellationToken)"/>
    public PreferenceMetrics EvaluateRewardModel(
        ModelSource model, IDataView data, RewardOptions? options = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        options = (options ?? new RewardOptions()).Validated();
        var reader = new PreferenceReader(data, options.Columns);
        using Borrowed<TextRewardModel> reward =
            Given(model).SharedReward() ?? Borrowed<TextRewardModel>.Own(model.OpenReward(Place(), headSeed: null));
        var counts = new RowCounts();
        int limit = Math.Min(options.MaxLength ?? int.MaxValue, reward.Model.Network.Config.ContextLength);
        List<PreferenceExample> pairs = reader.ReadFitting(reward.Model.Codec, limit, counts, cancel);
        Tell("Evaluate", counts);
        return PreferenceEvaluator.Evaluate(reward.Model, pairs, cancel);
    }

    /// <summary>How often a policy finds the better answer likelier than the reference does, compared with the worse one.</summary>
    /// <param name="model">A fitted transformer or chain: its last language model is evaluated.</param>
    /// <param name="data">Prompts with pairs, as <c>Dpo</c> reads them.</param>
    /// <param name="reference">What the policy is held against; null = nothing, its log-probabilities count as 0.</param>
    /// <param name="options">Columns, β, MaxLength and batch size; null = the defaults of DPO.</param>
    /// <param name="cancel">Looked at for every batch.</param>
    /// <exception cref="ArgumentException">An option is out of range, columns or rows cannot be used; the message names them.</exception>
    /// <exception cref="IOException">A source is a folder that is not there, or lacks a file.</exception>
    /// <exception cref="InvalidDataException">A file of a source is damaged, or a conversation cannot be rendered.</exception>
    /// <exception cref="InvalidOperationException">There are conversations, and the model has no chat template.</exception>
    /// <exception cref="NotSupportedException">Family, tokenizer or weights of a source are of a kind that is not supported.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">A model was disposed.</exception>
    public PreferenceMetrics EvaluatePreferences(
        ITransformer model,
        IDataView data,
        ModelSource? reference = null,
        DpoOptions? options = null,
        CancellationToken cancel = default) =>
        EvaluatePreferences(ModelSource.FromTransformer(model), data, reference, options, cancel);

    /// <inheritdoc cref="EvaluatePreferences(ITransformer, IDataView, ModelSource?, DpoOptions?, CancellationToken)"/>
    public PreferenceMetrics EvaluatePreferences(
        ModelSource model, IDataView data, ModelSource? reference = null, DpoOptions? options = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        options = (options ?? new DpoOptions()).Validated();
        var reader = new PreferenceReader(data, options.Columns);
        using Borrowed<LanguageModel> policy = Borrow(model);
        using Borrowed<LanguageModel>? held = Reference(reference, policy.Model);
        var counts = new RowCounts();
        List<PreferenceExample> pairs = reader.ReadCut(policy.Model.Codec, Limit(options.MaxLength, policy.Model), counts, cancel);
        Tell("Evaluate", counts);
        return PreferenceEvaluator.Evaluate(policy.Model.Network, held?.Model.Network, pairs, options, cancel);
    }

    /// <summary>Answers prompts, and tells the mean score, the distance from a reference and the variety of the answers.</summary>
    /// <param name="model">A fitted transformer or chain: its last language model answers, and its last reward model scores.</param>
    /// <param name="data">Has the prompts.</param>
    /// <param name="reward">Scores the answers; null = the reward model of the chain, if it has one.</param>
    /// <param name="reference">What the KL is measured to; null = it is not measured.</param>
    /// <param name="generation">How prompts are answered; null = as the model does.</param>
    /// <param name="promptColumnName">Text column with the prompts.</param>
    /// <param name="conversations">How prompts are read as conversations; null = as texts.</param>
    /// <param name="cancel">Looked at for every token.</param>
    /// <exception cref="ArgumentException">
    /// An option is out of range, the column or all rows cannot be used, or the vocabularies differ.
    /// </exception>
    /// <exception cref="RewardFunctionException">The reward threw, or gave not one finite number or null per answer.</exception>
    /// <exception cref="IOException">A source is a folder that is not there, or lacks a file.</exception>
    /// <exception cref="InvalidDataException">A file of a source is damaged, or a conversation cannot be rendered.</exception>
    /// <exception cref="InvalidOperationException">There are conversations, and the model has no chat template.</exception>
    /// <exception cref="NotSupportedException">Family, tokenizer or weights of a source are of a kind that is not supported.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">A model was disposed.</exception>
    public GenerationMetrics EvaluateGeneration(
        ITransformer model,
        IDataView data,
        RewardFunction? reward = null,
        ModelSource? reference = null,
        GenerationOptions? generation = null,
        string promptColumnName = "Prompt",
        ConversationOptions? conversations = null,
        CancellationToken cancel = default) =>
        EvaluateGeneration(
            ModelSource.FromTransformer(model), data, reward, reference, generation, promptColumnName, conversations, cancel);

    /// <summary>The same of a model source, which stays as it is.</summary>
    /// <param name="model">A folder, a model in memory, a transformer.</param>
    /// <param name="data">Has the prompts.</param>
    /// <param name="reward">Scores the answers; null = the reward model of a chain, if it has one.</param>
    /// <param name="reference">What the KL is measured to; null = it is not measured.</param>
    /// <param name="generation">How prompts are answered; null = as the model does.</param>
    /// <param name="promptColumnName">Text column with the prompts.</param>
    /// <param name="conversations">How prompts are read as conversations; null = as texts.</param>
    /// <param name="cancel">Looked at for every token.</param>
    /// <inheritdoc
    /// cref="EvaluateGeneration(ITransformer, IDataView, RewardFunction?, ModelSource?, GenerationOptions?, string,
    /// ConversationOptions?, CancellationToken)"
    /// path="/exception"/>
    public GenerationMetrics EvaluateGeneration(
        ModelSource model,
        IDataView data,
        RewardFunction? reward = null,
        ModelSource? reference = null,
        GenerationOptions? generation = null,
        string promptColumnName = "Prompt",
        ConversationOptions? conversations = null,
        CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        generation?.ValidatedForOne("an evaluation");
        Require.Named(promptColumnName);
        var reader = new PromptReader(data, promptColumnName, conversations?.Validated());
        reward?.Check(_ml, data.Schema);
        using Borrowed<LanguageModel> policy = Borrow(model);
        using Borrowed<LanguageModel>? held = Reference(reference, policy.Model);
        using Borrowed<TextRewardModel>? upstream = reward is null ? model.SharedReward() : null;
        var counts = new RowCounts();
        List<PromptRow> prompts = reader.Read(policy.Model.Codec, counts, cancel);
        Tell("Evaluate", counts);
        IReadOnlyList<Answer> answers = policy.Model.Answer(
            [.. prompts.Select(row => row.Prompt.Ids)], [.. prompts.Select(row => PromptSeed.Of(row.Prompt.Text))],
            generation ?? policy.Model.Generation, cancel);
        RewardFunction? scorer = reward ?? (upstream is null ? null : RewardFunction.FromModel(upstream.Model));
        string[] texts = [.. answers.Select(answer => answer.Text)];
        return new GenerationMetrics(
            scorer is null ? double.NaN : Score(scorer, data, policy.Model, prompts, answers, cancel),
            held is null ? double.NaN : GenerationEvaluator.Kl(policy.Model.Network, held.Model.Network, answers, RowsAtOnce, cancel),
            WordRuns.Distinct(texts, 1),
            WordRuns.Distinct(texts, 2),
            answers.Average(answer => answer.Tokens.Length),
            answers.Average(answer => answer.HasEnded ? 1.0 : 0.0),
            answers.Count);
    }

    private const int RowsAtOnce = 16;

    private double Score(
        RewardFunction reward,
        IDataView data,
        LanguageModel policy,
        List<PromptRow> prompts,
        IReadOnlyList<Answer> answers,
        CancellationToken cancel)
    {
        RewardRow[] rows = [.. answers.Select((answer, i) => new RewardRow(
            prompts[i].Prompt.Given, answer.Text, answer.Prompt, answer.Tokens, answer.HasEnded, prompts[i].Number, Step: 0)
        {
            Read = prompts[i].Prompt,
        })];
        var group = new RewardGroup([reward], new RewardContext(_ml, data, policy.Tokenizer));
        return group.Score(rows, cancel).GetAwaiter().GetResult().Columns[0].Average() ?? double.NaN; // null is left out
    }

    private static int Limit(int? maxLength, LanguageModel model) =>
        Math.Min(maxLength ?? int.MaxValue, model.Network.Config.ContextLength);

    private Borrowed<LanguageModel> Borrow(ModelSource model) =>
        Given(model).SharedPolicy(null) ?? Borrowed<LanguageModel>.Own(model.OpenPolicy(Place()));

    private static Borrowed<LanguageModel>? Reference(ModelSource? reference, LanguageModel policy) =>
        reference?.OpenReference(new Placement(policy.Network.Device, policy.Network.Type), policy.Network.Config);

    private Placement Place()
    {
        var host = new ComponentHost(_ml, "TRL");
        return new DeviceChoice(false, null, null, false).Resolve(ContextSettings.Of(_ml), text => host.Warn("Evaluate", text));
    }

    private void Tell(string process, RowCounts counts)
    {
        if (counts.Warning is { } warning)
            new ComponentHost(_ml, "TRL").Warn(process, warning);
    }
}
