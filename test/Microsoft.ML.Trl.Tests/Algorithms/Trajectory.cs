using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms;

/// <summary>A whole run of the reference trainer: what it was fed, what it logged, where its weights ended.</summary>
internal sealed class Trajectory : IDisposable
{
    private readonly JsonElement _run;
    private readonly FixtureTensors _batches;

    public Trajectory(string name)
    {
        Name = name;
        using JsonDocument json = Fixtures.Json("trajectories", name, "run.json");
        _run = json.RootElement.Clone();
        _batches = new FixtureTensors("trajectories", name, "batches.safetensors");
        Log = [.. _run.GetProperty("log").EnumerateArray().Where(entry => entry.TryGetProperty("loss", out _)).Select(Figures)];
    }

    public string Name { get; }

    public string ModelFolder => Fixtures.Path(_run.GetProperty("model").GetString()!.Split('/'));

    /// <summary>What the policy of a pair run was held against.</summary>
    public string ReferenceFolder => ModelFolder + "_ref";

    public JsonElement Args => _run.GetProperty("args");

    public int Steps => Log.Count;

    /// <summary>
    /// What was logged after each step, by TRL's names; a test may take out what cannot be compared, and says why. Without the epoch: a
    /// replay has only the rows that the run's steps used, so a step is another share of them.
    /// </summary>
    public IReadOnlyList<Dictionary<string, double>> Log { get; }

    public FixtureTensors Batches => _batches;

    /// <summary>Number, optimizer step (counted from 1) and loss of each micro batch.</summary>
    public IEnumerable<(int Number, int Step, double Loss)> MicroBatches => _run.GetProperty("micro_batches").EnumerateArray().Select(
        micro => (micro.GetProperty("micro").GetInt32(), micro.GetProperty("step").GetInt32(), micro.GetProperty("loss").GetDouble()));

    /// <summary>What an online run was given instead of generating it.</summary>
    public IEnumerable<JsonElement> Generations => _run.GetProperty("extra").GetProperty("generations").EnumerateArray();

    /// <summary>The real tokens of every row of a micro batch, and which of them have a label.</summary>
    public IEnumerable<(int[] Ids, bool[] Labelled)> Rows(int micro)
    {
        int[][] ids = _batches.Rows($"m{micro}.input_ids"), mask = _batches.Rows($"m{micro}.attention_mask");
        int[][]? labels = _batches.Has($"m{micro}.labels") ? _batches.Rows($"m{micro}.labels") : null;
        for (int row = 0; row < ids.Length; row++)
        {
            int length = mask[row].Sum();
            yield return (ids[row][..length], [.. Enumerable.Range(0, length).Select(at => labels is null || labels[row][at] != -100)]);
        }
    }

    /// <summary>The texts that share the only row of a packed micro batch: positions begin anew with each.</summary>
    public IEnumerable<int[]> Packed(int micro)
    {
        int[] ids = _batches.Rows($"m{micro}.input_ids").Single(), positions = _batches.Rows($"m{micro}.position_ids").Single();
        int[] starts = [.. Enumerable.Range(0, ids.Length).Where(at => positions[at] == 0), ids.Length];
        return starts.Zip(starts.Skip(1), (from, to) => ids[from..to]);
    }

    /// <summary>The pairs of a micro batch: chosen rows first, then rejected ones.</summary>
    public IEnumerable<PreferenceExample> Pairs(int micro)
    {
        int[][] Rows(string name) => _batches.Rows($"m{micro}.{name}");
        int[][] ids = Rows("input_ids"), real = Rows("attention_mask"), answer = Rows("completion_mask");
        int[] Part(int row, int completion) => [.. ids[row].Where((_, at) => real[row][at] == 1 && answer[row][at] == completion)];
        int pairs = ids.Length / 2;
        return Enumerable.Range(0, pairs).Select(pair => new PreferenceExample(Part(pair, 0), Part(pair, 1), Part(pair + pairs, 1)));
    }

    /// <summary>The pairs of a micro batch whose sides lie apart: a label of -100 marks the prompt.</summary>
    public IEnumerable<PreferenceExample> SidedPairs(int micro)
    {
        (int[] Prompt, int[] Answer)[] Side(string side)
        {
            int[][] Rows(string name) => _batches.Rows($"m{micro}.{side}_{name}");
            int[][] ids = Rows("input_ids"), real = Rows("attention_mask"), labels = Rows("labels");
            int[] Part(int row, bool answer) =>
                [.. ids[row].Where((_, at) => real[row][at] == 1 && (labels[row][at] != -100) == answer)];
            return [.. ids.Select((_, row) => (Part(row, false), Part(row, true)))];
        }
        return Side("chosen").Zip(
            Side("rejected"), (chosen, rejected) => new PreferenceExample(chosen.Prompt, chosen.Answer, rejected.Answer));
    }

    /// <summary>The labelled completions of a micro batch.</summary>
    public IEnumerable<UnpairedExample> Unpaired(int micro)
    {
        int[][] Rows(string name) => _batches.Rows($"m{micro}.{name}");
        int[][] ids = Rows("input_ids"), real = Rows("attention_mask"), answer = Rows("completion_mask");
        int[] Part(int row, int completion) => [.. ids[row].Where((_, at) => real[row][at] == 1 && answer[row][at] == completion)];
        int[] labels = Rows("label").Single();
        return ids.Select((_, row) => new UnpairedExample(Part(row, 0), Part(row, 1), labels[row] == 1));
    }

    /// <summary>The options that all runs share, in the order of the data.</summary>
    public T Configure<T>(T options) where T : EpochOptions => options with
    {
        LearningRate = Args.GetProperty("learning_rate").GetDouble(),
        WeightDecay = Args.GetProperty("weight_decay").GetDouble(),
        AdamBeta1 = Args.GetProperty("adam_beta1").GetDouble(),
        AdamBeta2 = Args.GetProperty("adam_beta2").GetDouble(),
        AdamEpsilon = Args.GetProperty("adam_epsilon").GetDouble(),
        MaxGradNorm = Args.GetProperty("max_grad_norm").GetDouble(),
        LrSchedulerType = Named<LrSchedulerType>(Args.GetProperty("lr_scheduler_type")),
        WarmupSteps = Args.GetProperty("warmup_steps").GetDouble(),
        PerDeviceTrainBatchSize = Args.GetProperty("per_device_train_batch_size").GetInt32(),
        GradientAccumulationSteps = Args.GetProperty("gradient_accumulation_steps").GetInt32(),
        MaxSteps = Steps,
        LoggingSteps = 1,
        TrainSamplingStrategy = TrainSamplingStrategy.Sequential,
    };

    /// <summary>
    /// Every figure of <see cref="Log"/>: counts of tokens equal, rates to 1e-12, norms to 1e-3 and large sums of
    /// log-probabilities to 2e-6 of their size, all else to 1e-4.
    /// </summary>
    /// <param name="reports">One per step.</param>
    public void RequireLog(IReadOnlyList<StepReport> reports)
    {
        Assert.HasCount(Steps, reports, $"{Name}: reports");
        for (int step = 0; step < Steps; step++)
        {
            Assert.AreEqual(step + 1, reports[step].Step, Name);
            Close.Metrics(Log[step], reports[step].Metrics, Tolerance, $"{Name} step {step + 1}");
        }
    }

    /// <summary>The weights after the last step, those that a file holds and the sums of all.</summary>
    public void RequireWeights(IEnumerable<(string Name, Tensor Value)> weights, double tolerance, string? driftless = null)
    {
        (string, Tensor)[] all = [.. weights];
        WeightChecks.Absolute(all, Fixtures.Path("trajectories", Name, "final.safetensors"), tolerance, Name, driftless);
        WeightChecks.Sums(all, _run.GetProperty("final_stats"), Name, driftless);
    }

    /// <summary>The same of an adapter, whose tensors the file calls as they are in memory there.</summary>
    public void RequireAdapter(CausalLanguageModel model, double tolerance)
    {
        string Named(string name) => name.Replace(".lora_A.", ".lora_A.default.", StringComparison.Ordinal)
            .Replace(".lora_B.", ".lora_B.default.", StringComparison.Ordinal);
        RequireWeights(model.AdapterWeights().Select(weight => (Named(weight.Name), weight.Value)), tolerance);
    }

    /// <summary>The member that Python spells with underscores.</summary>
    public static T Named<T>(JsonElement name) where T : struct, Enum =>
        Enum.Parse<T>(name.GetString()!.Replace("_", "", StringComparison.Ordinal), ignoreCase: true);

    public void Dispose() => _batches.Dispose();

    private static Dictionary<string, double> Figures(JsonElement entry) => entry.EnumerateObject()
        .Where(figure => figure.Name is not ("step" or "epoch")).ToDictionary(figure => figure.Name, figure => figure.Value.GetDouble());

    private static double Tolerance(string figure, double value) => figure switch
    {
        "num_tokens" => 0,
        "learning_rate" => 1e-12 * Math.Abs(value),
        "grad_norm" => 1e-3 * Math.Abs(value),
        "logps/chosen" or "logps/rejected" => Math.Max(1e-4, 2e-6 * Math.Abs(value)), // of sums of dozens of tokens, 1e-4 is rounding
        _ => 1e-4,
    };
}
