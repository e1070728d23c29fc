using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl.Planning;

/// <summary>Makes plans.</summary>
/// <param name="ml">Tells the device where options do not.</param>
/// <param name="source">The model to start from.</param>
internal sealed class Planner(MLContext ml, ModelSource source)
{
    /// <summary>The plan of a run.</summary>
    /// <param name="method">Its name.</param>
    /// <param name="options">Checked.</param>
    /// <param name="data">Null = the longest rows that the options allow.</param>
    public TrainingPlan Plan(string method, TrainingOptions options, IDataView? data)
    {
        ModelDescription model = source.Describe();
        TextLengths LengthsOf(TrainingOptions changed) =>
            data is null ? TextLengths.Of(changed, model.Config) : new SampleLengths(model).Of(changed, data);
        TextLengths lengths = LengthsOf(options);
        Placement place = PlaceOf(options);
        using ModelShape shape = ModelShape.Of(model.Config, options);
        MemoryMoment peak = new MemoryModel(shape, options, lengths, Start(options, model, place)).Peak();
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
            SecondsPerStep = new StepTime(shape, options, lengths, ComputeRate.Measure(place, model.Config)).Seconds(),
            Advice = [.. Advice(options, model, peak.Bytes, available, LengthsOf)],
        };
    }

    private IEnumerable<TrainingPlanAdvice> Advice(
        TrainingOptions options, ModelDescription model, long peak, long? available, Func<TrainingOptions, TextLengths> lengths)
    {
        var found = new List<TrainingPlanAdvice>();
        foreach ((string change, string price, TrainingOptions changed) in Advisor.Changes(options))
        {
            try
            {
                using ModelShape shape = ModelShape.Of(model.Config, changed);
                long left = new MemoryModel(shape, changed, lengths(changed), Start(changed, model, PlaceOf(changed))).Peak().Bytes;
                if (left < peak)
                    found.Add(new TrainingPlanAdvice(change, peak - left, left, available is null ? null : left <= available, price));
            }
            catch (Exception refused) when (refused is ArgumentException or NotSupportedException)
            {
                // this model cannot be trained so
            }
        }
        return found.OrderByDescending(advice => advice.SavedBytes);
    }

    private Placement PlaceOf(TrainingOptions options)
    {
        var choice = new DeviceChoice(options.UseCpu, options.GpuDeviceId, options.FallbackToCpu, options.Bf16, options.Fp16);
        return choice.Resolve(ContextSettings.Of(ml), _ => { });
    }

    private static StartFacts Start(TrainingOptions options, ModelDescription model, Placement place)
    {
        bool isThere = model.InMemory is { } held && held == place;
        bool isBase = model.InMemory is { } own && own == place with { Quantization = options.BaseQuantization };
        bool needsHead = options is RewardOptions or TextClassificationOptions && !model.IsHeaded;
        bool sharesBase = isBase && options.Peft is { UseDora: false } && options is not TextClassificationOptions;
        bool isCpu = place.Device.type == TorchSharp.DeviceType.CPU;
        bool isMoved = model.IsDrawn && (!isCpu || MemoryHabits.IsNarrow(options) || options.BaseQuantization != WeightQuantization.None);
        bool isHeaded = needsHead && model.InMemory is null;
        return new StartFacts(isCpu, sharesBase, isThere, isMoved ? sizeof(float) : isHeaded ? MemoryHabits.Size(options) : 0);
    }
}
