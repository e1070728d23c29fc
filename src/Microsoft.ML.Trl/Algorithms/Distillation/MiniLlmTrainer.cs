namespace Microsoft.ML.Trl;

/// <summary>
/// MiniLLM as an estimator: learns from a teacher by the reverse KL of what the student writes, and from reward functions beside it, where
/// there are such. Made by <see cref="TrlCatalog"/>.
/// </summary>
public sealed class MiniLlmTrainer : IEstimator<TextGenerationTransformer>
{
    private readonly GroupStage _stage;

    internal MiniLlmTrainer(StageContext stage, ModelSource teacher, IReadOnlyList<RewardFunction> rewards, MiniLlmOptions options)
    {
        options = options.Validated();
        if (rewards.Count == 0 && options.RewardWeights is { } weights)
            throw new ArgumentException(
                $"RewardWeights has {weights.Count} numbers, but there is no reward function; give one for each, or leave it null.",
                nameof(options));
        if (rewards.Count > 0 && options.NumGenerations == 1)
            throw new ArgumentException(
                "NumGenerations is 1, but the rewards of a completion are held against those of others of its prompt; set it to 2 or more, "
                + "or give no reward function.", nameof(options));
        _stage = new GroupStage(stage, rewards, options, (session, student) => Method(session, student, teacher, options));
    }

    /// <summary>Trains a copy of the starting model; the data are read once, and the teacher stays as it is.</summary>
    /// <param name="input">Prompts; also what carries the student where no source was given.</param>
    /// <returns>
    /// Owns the trained student. Reports carry the mean over the drawn tokens of log p - log q as <c>reverse_kl</c>, and the mean KL of
    /// whole distributions as <c>single_step_loss</c>; those of evaluations too.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// Columns or rows cannot be used, options do not fit the student, or teacher and student have not the same tokens; the message names
    /// them.
    /// </exception>
    /// <exception cref="IOException">
    /// A source is a folder that is not there, or lacks a file; or a folder of the options (optimizer state, activations) is not there,
    /// or its disk full.
    /// </exception>
    /// <exception cref="InvalidDataException">A file of a source is damaged, or a row's conversation cannot be rendered.</exception>
    /// <exception cref="NotSupportedException">
    /// A source's family, tokenizer or weights are of a kind that is not supported; or the student is an encoder-decoder, and the options
    /// ask for what those lack.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// There is no model to start from, it has no chat template for conversations, the GPU asked for is not there, or a function of the
    /// options (optimizer, schedule) failed.
    /// </exception>
    /// <exception cref="RewardFunctionException">A reward function threw or gave no finite number; Model is what was reached.</exception>
    /// <exception cref="TrainingCanceledException">Cancelled; its Model is what was reached.</exception>
    /// <exception cref="TrainingDivergedException">The loss is no number any more; its Model is the last good one.</exception>
    public TextGenerationTransformer Fit(IDataView input) => _stage.Fit(input);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pipeline promises no such columns; the message names the first.</exception>
    /// <exception cref="InvalidOperationException">There is no model to start from.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema) => _stage.Promise(inputSchema);

    private static GroupMethod Method(FitSession session, LanguageModel student, ModelSource source, MiniLlmOptions options)
    {
        Borrowed<LanguageModel> teacher = Teacher.Open(source, options.TeacherModel, session.Placement, student);
        (CausalLanguageModel ours, CausalLanguageModel theirs) = (student.Network, teacher.Model.Network);
        return new GroupMethod(new MiniLlmObjective(ours, theirs, options), teacher)
        {
            MaxLength = theirs.Config.ContextLength < ours.Config.ContextLength ? theirs.Config.ContextLength : null,
        };
    }
}
