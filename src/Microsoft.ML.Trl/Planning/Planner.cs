using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl.Planning;

/// <summary>Makes plans.</summary>
/// <param name="ml">Tells the device where options do not.</param>
/// <param name="source">The model to start from.</param>
/// <param name="teacher">The model that it learns from; null = none.</param>
internal sealed class Planner(MLContext ml, ModelSource source, ModelSource? teacher = null)
{
    /// <summary>The plan of a run.</summary>
    /// <param name="method">Its name.</param>
    /// <param name="options">Checked.</param>
    /// <param name="data">Null = the longest rows that the options allow.</param>
    public TrainingPlan Plan(string method, TrainingOptions options, IDataView? data)
    {
        ModelDescription model = source.Describe();
        ModelDescription? other = teacher?.Describe();
        using ModelShape? taught = other is null ? null : ModelShape.Frozen(other.Config);
        int context = Math.Min(model.Config.ContextLength, other?.Config.ContextLength ?? int.MaxValue);
        ModelDescription read = model with { Config = model.Config with { ContextLength = context } };
        TextLengths LengthsOf(TrainingOptions changed) =>
            data is null ? TextLengths.Of(changed, read.Config) : new SampleLengths(read).Of(changed, data);
        var run = new PlannedRun(model, LengthsOf, taught is null ? null : new PlannedTeacher(taught, other!.InMemory));
        TextLengths lengths = LengthsOf(options);
        Placement place = PlaceOf(options);
        using ModelShape shape = ModelShape.Of(model.Config, options);
        if (taught is not null)
            Teacher.Check((CausalLanguageModel)taught.Model, (CausalLanguageModel)shape.Model);
        MemoryMoment peak = new MemoryModel(shape, options, lengths, Start(options, run, place)).Peak();
        long trained = shape.TrainedWeights + shape.AdapterWeights + (options is PpoOptions ? shape.Config.OutputSize + 1 : 0);
        long? available = FreeMemory.Of(place.Device);
        return new TrainingPlan
        {
            Method = method,
            ModelType = model.Config.ModelType,
            TrainedParameters = trained,
            FrozenParameters = options.Peft is null ? shape.Weights - shape.TrainedWeights : shape.Weights,
            Lengths = lengths.Origin,
            PeakMoment = peak.Name,
            Rows = [.. peak.Rows.Where(row => row.Bytes > 0)],
            AvailableBytes = available,
            SecondsPerStep = new StepTime(shape, options, lengths, ComputeRate.Measure(place, model.Config), taught).Seconds(),
            Advice = [.. Advice(options, run, peak.Bytes, available)],
        };
    }

    /// <summary>Single changes, the largest saving first; where none fits, at the end the cheapest combination that does.</summary>
    private IEnumerable<TrainingPlanAdvice> Advice(TrainingOptions options, PlannedRun run, long peak, long? available)
    {
        bool isCpu = PlaceOf(options).Device.type == TorchSharp.DeviceType.CPU;
        IEnumerable<MemoryChange> Changes(TrainingOptions given) => Advisor.Changes(given, isCpu);
        long? Left(TrainingOptions changed) => PeakOf(changed, run);
        TrainingPlanAdvice Told(string text, string price, long left) =>
            new(text, peak - left, left, available is null ? null : left <= available, price);

        List<TrainingPlanAdvice> found = [];
        foreach (MemoryChange change in Changes(options))
            if (Left(change.Options) is { } left && left < peak)
                found.Add(Told(change.Text, change.Price, left));
        IEnumerable<TrainingPlanAdvice> ordered = found.OrderByDescending(advice => advice.SavedBytes);
        if (available is not { } free || peak <= free || found.Any(advice => advice.PeakBytes <= free))
            return ordered;
        if (new Combination(Changes, Left, free).Cheapest(options, peak) is not { } all)
            return ordered;
        string text = string.Join(", ", all.Select(change => change.Text));
        return ordered.Append(Told(text, "all of these together", Left(all[^1].Options)!.Value));
    }

    /// <summary>Most bytes of a run; null where this model cannot be trained so.</summary>
    private long? PeakOf(TrainingOptions changed, PlannedRun run)
    {
        try
        {
            TrainingOptions options = Checked(changed);
            using ModelShape shape = ModelShape.Of(run.Model.Config, options);
            return new MemoryModel(shape, options, run.Lengths(options), Start(options, run, PlaceOf(options))).Peak().Bytes;
        }
        catch (Exception refused) when (refused is ArgumentException or NotSupportedException or InvalidOperationException)
        {
            return null;
        }
    }

    private static TrainingOptions Checked(TrainingOptions options) => options switch
    {
        SftOptions sft => sft.Validated(),
        RewardOptions reward => reward.Validated(),
        DpoOptions dpo => dpo.Validated(),
        KtoOptions kto => kto.Validated(),
        BcoOptions bco => bco.Validated(),
        CpoOptions cpo => cpo.Validated(),
        OrpoOptions orpo => orpo.Validated(),
        PpoOptions ppo => ppo.Validated(),
        GroupOptions groups => groups.Checked(),
        OnlineDpoOptions online => online.Validated(),
        XpoOptions xpo => xpo.Validated(),
        NashMdOptions nash => nash.Validated(),
        RaftOptions raft => raft.Validated(),
        PrmOptions prm => prm.Validated(),
        DistillOptions distill => distill.Validated(),
        GkdOptions gkd => gkd.Validated(),
        _ => ((TextClassificationOptions)options).Validated(),
    };

    private Placement PlaceOf(TrainingOptions options)
    {
        var choice = new DeviceChoice(options.UseCpu, options.GpuDeviceId, options.FallbackToCpu, options.Bf16, options.Fp16);
        return choice.Resolve(ContextSettings.Of(ml), _ => { });
    }

    private static StartFacts Start(TrainingOptions options, PlannedRun run, Placement place)
    {
        ModelDescription model = run.Model;
        bool isThere = model.InMemory is { } held && held == place;
        bool isBase = model.InMemory is { } own && own == place with { Quantization = options.BaseQuantization };
        bool isClassifier = options is TextClassificationOptions or PrmOptions;
        bool needsHead = (options is RewardOptions || isClassifier) && !model.IsHeaded;
        bool sharesBase = isBase && options.Peft is { UseDora: false } && !isClassifier;
        bool isCpu = place.Device.type == TorchSharp.DeviceType.CPU;
        bool isMoved = model.IsDrawn && (!isCpu || MemoryHabits.IsNarrow(options) || options.BaseQuantization != WeightQuantization.None);
        bool isHeaded = needsHead && model.InMemory is null;
        return new StartFacts(isCpu, sharesBase, isThere, isMoved ? sizeof(float) : isHeaded ? MemoryHabits.Size(options) : 0)
        {
            Teacher = run.Teacher, Place = place,
        };
    }

    /// <summary>What stays the same when options change.</summary>
    /// <param name="Model">That training begins with.</param>
    /// <param name="Lengths">Of the texts.</param>
    /// <param name="Teacher">Null = none.</param>
    private sealed record PlannedRun(ModelDescription Model, Func<TrainingOptions, TextLengths> Lengths, PlannedTeacher? Teacher);
}
