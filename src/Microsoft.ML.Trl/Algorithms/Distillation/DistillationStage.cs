namespace Microsoft.ML.Trl.Algorithms.Distillation;

/// <summary>What the stages of distillation have in common: the student, the teacher, and what comes out.</summary>
/// <param name="Stage">The stage and its start model.</param>
/// <param name="TeacherSource">The model that is learnt from.</param>
internal sealed record DistillationStage(StageContext Stage, ModelSource TeacherSource)
{
    /// <summary>What training is read from.</summary>
    public IDataView DataOf(IDataView input) => Stage.TrainingData ?? input;

    /// <summary>Trains a copy of the starting model.</summary>
    /// <param name="options">Validated.</param>
    /// <param name="input">Carries the student where no source was given.</param>
    /// <param name="maxLength">Most tokens of a row; null = only the contexts of the models limit it.</param>
    /// <param name="train">Trains the student in place.</param>
    public TextGenerationTransformer Fit(
        DistillationOptions options, IDataView input, int? maxLength, Action<DistillationSession> train) =>
        FitSession.TrainPolicy(Stage, options, input, options.Output, HeldReference.Usual, (session, student, _) =>
        {
            student.ReplaceCritic(null); // it belongs to the policy as it was
            using Borrowed<LanguageModel> teacher = Teacher.Open(
                TeacherSource, options.TeacherModel, session.Placement, student);
            CausalLanguageModel network = teacher.Model.Network;
            int limit = Math.Min(session.LimitLength(maxLength, student.Network.Config), network.Config.ContextLength);
            train(new DistillationSession(session, student, network, limit, (options.Generation ?? student.Generation).EosTokenIds));
        });

    /// <summary>The columns that the fitted stage promises.</summary>
    /// <param name="options">Validated.</param>
    /// <param name="inputSchema">What the pipeline promises.</param>
    /// <param name="require">Checks what training reads.</param>
    public SchemaShape Promise(DistillationOptions options, SchemaShape inputSchema, Action<SchemaShape> require)
    {
        Stage.RequireInput(inputSchema, require);
        return options.Output.Promise(Stage.Ml, inputSchema);
    }
}

/// <summary>One training of a student.</summary>
/// <param name="Fit">Reports and cancellation.</param>
/// <param name="Student">Trained in place.</param>
/// <param name="Teacher">Only read.</param>
/// <param name="Limit">Most tokens of a row.</param>
/// <param name="EndTokens">Tokens that end what a model writes; null = those of the model's configuration.</param>
internal sealed record DistillationSession(
    FitSession Fit, LanguageModel Student, CausalLanguageModel Teacher, int Limit, IReadOnlyList<int>? EndTokens)
{
    /// <summary>Reads rows, and tells what became of them.</summary>
    public List<DistillationRow> Read(Func<RowCounts, List<DistillationRow>> read)
    {
        var counts = new RowCounts();
        List<DistillationRow> rows = read(counts);
        Fit.Tell(counts);
        return rows;
    }
}
