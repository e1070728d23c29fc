namespace Microsoft.ML.Trl.Algorithms.Distillation;

/// <summary>What the stages of distillation have in common: the student, the teacher, and what comes out.</summary>
/// <param name="Stage">The stage and its start model.</param>
/// <param name="TeacherSource">The model that is learnt from.</param>
internal sealed record DistillationStage(StageContext Stage, ModelSource TeacherSource)
{
    /// <summary>Reads rows and trains a copy of the starting model.</summary>
    /// <param name="options">Validated.</param>
    /// <param name="input">Carries the student where no source was given.</param>
    /// <param name="train">Trains the student in place.</param>
    /// <param name="open">Makes what reads the rows that are learnt; null = that of prompts with completions.</param>
    public TextGenerationTransformer Fit(
        TextDistillationOptions options, IDataView input, Action<DistillationSession> train,
        Func<IDataView, DistillationReading>? open = null)
    {
        DistillationReading Texts(IDataView data)
        {
            var reader = new DistillationReader(data, options);
            return (codec, limit, counts, cancel) => reader.Read(codec, limit, answers: false, counts, cancel);
        }
        var readers = new StageReaders<DistillationReading>(Stage, options, input, open ?? Texts, Texts);
        return FitSession.TrainPolicy(Stage, options, input, options.Output, HeldReference.Usual, (session, student, _) =>
        {
            student.ReplaceCritic(null); // it belongs to the policy as it was
            using Borrowed<LanguageModel> teacher = Teacher.Open(
                TeacherSource, options.TeacherModel, session.Placement, student);
            CausalLanguageModel network = teacher.Model.Network;
            int limit = Math.Min(session.LimitLength(options.MaxLength, student.Network.Config), network.Config.ContextLength);
            train(new DistillationSession(session, student, network, limit)
            {
                Rows = readers.Read(session, (read, counts) => read(student.Codec, limit, counts, session.Cancel)),
                EndTokens = (options.Generation ?? student.Generation).EosTokenIds,
            });
        });
    }

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

/// <summary>Reads all rows as tokens of the student.</summary>
internal delegate List<DistillationRow> DistillationReading(TextCodec codec, int limit, RowCounts counts, CancellationToken cancel);

/// <summary>One training of a student.</summary>
/// <param name="Fit">Reports and cancellation.</param>
/// <param name="Student">Trained in place.</param>
/// <param name="Teacher">Only read.</param>
/// <param name="Limit">Most tokens of a row.</param>
internal sealed record DistillationSession(FitSession Fit, LanguageModel Student, CausalLanguageModel Teacher, int Limit)
{
    /// <summary>What is learnt, and what is measured.</summary>
    public required StageRows<DistillationRow> Rows { get; init; }

    /// <summary>Tokens that end what a model writes; null = those of the model's configuration.</summary>
    public IReadOnlyList<int>? EndTokens { get; init; }
}
