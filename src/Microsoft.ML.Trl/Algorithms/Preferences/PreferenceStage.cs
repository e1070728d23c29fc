namespace Microsoft.ML.Trl.Algorithms.Preferences;

/// <summary>What the stages that learn from preferences have in common: the data, the model, and what comes out.</summary>
internal static class PreferenceStage
{
    /// <summary>Reads pairs and trains a copy of the starting model.</summary>
    /// <param name="stage">The stage and its start model.</param>
    /// <param name="options">Validated.</param>
    /// <param name="input">Carries the policy where no source was given.</param>
    /// <param name="train">Trains the network in place.</param>
    public static TextGenerationTransformer Fit(
        StageContext stage, PreferenceOptions options, IDataView input, PolicyTraining<PreferenceExample> train)
    {
        Reading<PreferenceExample> Open(IDataView data)
        {
            var reader = new PreferenceReader(data, options.Columns);
            return (codec, limit, counts, cancel) => reader.ReadCut(codec, limit, counts, cancel, options.LongestAnswer);
        }
        return Fit(stage, options, input, Open, train);
    }

    /// <summary>Reads pairs and trains a copy of the starting model, which is held against nothing.</summary>
    /// <param name="stage">The stage and its start model.</param>
    /// <param name="options">Validated.</param>
    /// <param name="input">Carries the policy where no source was given.</param>
    /// <param name="objective">Of the method, for this run.</param>
    public static TextGenerationTransformer Fit(
        StageContext stage, PreferenceOptions options, IDataView input, IPairObjective objective) =>
        Fit(stage, options, input, (policy, _, limit, rows, session) =>
            new PairLoop(stage.Name, policy, options with { MaxLength = limit }, objective, session.Progress) { HeldOut = rows.HeldOut }
                .Run(rows.Training, null, session.Cancel));

    /// <summary>
    /// Reads completions that are wanted or not, or pairs, and trains a copy of the starting model, which is held against a reference.
    /// </summary>
    /// <param name="stage">The stage and its start model.</param>
    /// <param name="options">Validated.</param>
    /// <param name="input">Carries the policy where no source was given.</param>
    /// <param name="objective">Makes that of the method for a run of these rows.</param>
    public static TextGenerationTransformer Fit(
        StageContext stage, UnpairedOptions options, IDataView input, Func<StageRows<UnpairedExample>, IUnpairedObjective> objective) =>
        Fit<UnpairedExample>(
            stage, options, input, data => new UnpairedReader(data, options).Read,
            (policy, reference, limit, rows, session) =>
                new UnpairedLoop(stage.Name, policy, reference, options with { MaxLength = limit }, session.Progress)
                {
                    HeldOut = rows.HeldOut,
                }.Run(rows.Training, objective(rows), session.Cancel));

    /// <summary>The columns that the fitted stage promises, where the pipeline before it promises those that training reads.</summary>
    public static SchemaShape Promise(StageContext stage, PreferenceOptions options, SchemaShape inputSchema)
    {
        stage.RequireInput(inputSchema, shape =>
        {
            if (options is UnpairedOptions unpaired)
                UnpairedReader.Require(shape, unpaired);
            else
                PreferenceReader.Require(shape, options.Columns);
        });
        return options.Output.Promise(stage.Ml, inputSchema);
    }

    private static TextGenerationTransformer Fit<T>(
        StageContext stage, PreferenceOptions options, IDataView input, Func<IDataView, Reading<T>> open, PolicyTraining<T> train)
    {
        var readers = new StageReaders<Reading<T>>(stage, options, input, open);
        return FitSession.TrainPolicy(stage, options, input, options.Output, options.Held, (session, model, reference) =>
        {
            model.ReplaceCritic(null); // it belongs to the policy as it was
            int limit = session.LimitLength(options.MaxLength, model.Network.Config);
            StageRows<T> rows = readers.Read(session, (read, counts) => read(model.Codec, limit, counts, session.Cancel));
            train(model.Network, reference, limit, rows, session);
        });
    }

    /// <summary>Reads all rows as tokens of a model.</summary>
    private delegate List<T> Reading<T>(TextCodec codec, int limit, RowCounts counts, CancellationToken cancel);

    /// <summary>Trains a network.</summary>
    /// <param name="policy">Trained in place.</param>
    /// <param name="reference">Of the stage; null = the policy as it is.</param>
    /// <param name="maxLength">Most tokens of a row.</param>
    /// <param name="rows">What is learnt, and what is measured.</param>
    /// <param name="session">Reports and cancellation.</param>
    internal delegate void PolicyTraining<T>(
        CausalLanguageModel policy, CausalLanguageModel? reference, int maxLength, StageRows<T> rows, FitSession session);
}
