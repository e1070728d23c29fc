using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms;

/// <summary>A whole run of the reference trainer: what it was fed, what it logged, where its weights ended.</summary>
internal sealed class Trajectory : IDisposable
{
    private readonly JsonElement _run;
    private readonly FixtureTensors _batches;
    private readonly FixtureTensors _final;

    public Trajectory(string name)
    {
        Name = name;
        using JsonDocument json = Fixtures.Json("trajectories", name, "run.json");
        _run = json.RootElement.Clone();
        _batches = new FixtureTensors("trajectories", name, "batches.safetensors");
        _final = new FixtureTensors("trajectories", name, "final.safetensors");
    }

    public string Name { get; }

    public string ModelFolder => Fixtures.Path(_run.GetProperty("model").GetString()!.Split('/'));

    public string TokenizerFolder => Fixtures.Path(_run.GetProperty("tokenizer").GetString()!.Split('/'));

    public IEnumerable<string> Texts => _run.GetProperty("rows").EnumerateArray().Select(row => row.GetProperty("text").GetString()!);

    public JsonElement Args => _run.GetProperty("args");

    public int Steps => Logged.Max(entry => entry.GetProperty("step").GetInt32());

    public FixtureTensors Batches => _batches;

    public IEnumerable<int> MicroBatches => _run.GetProperty("micro_batches").EnumerateArray().Select(micro => micro.GetProperty("micro").GetInt32());

    private IEnumerable<JsonElement> Logged => _run.GetProperty("log").EnumerateArray().Where(entry => entry.TryGetProperty("loss", out _));

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

    /// <summary>The options that all runs share, in the order of the data.</summary>
    public T Configure<T>(T options) where T : EpochOptions => options with
    {
        LearningRate = Args.GetProperty("learning_rate").GetDouble(),
        WeightDecay = Args.GetProperty("weight_decay").GetDouble(),
        AdamBeta1 = Args.GetProperty("adam_beta1").GetDouble(),
        AdamBeta2 = Args.GetProperty("adam_beta2").GetDouble(),
        AdamEpsilon = Args.GetProperty("adam_epsilon").GetDouble(),
        MaxGradNorm = Args.GetProperty("max_grad_norm").GetDouble(),
        LrSchedulerType = Enum.Parse<LrSchedulerType>(Args.GetProperty("lr_scheduler_type").GetString()!.Replace("_", "", StringComparison.Ordinal), ignoreCase: true),
        WarmupSteps = Args.GetProperty("warmup_steps").GetDouble(),
        PerDeviceTrainBatchSize = Args.GetProperty("per_device_train_batch_size").GetInt32(),
        GradientAccumulationSteps = Args.GetProperty("gradient_accumulation_steps").GetInt32(),
        MaxSteps = Steps,
        LoggingSteps = 1,
        TrainSamplingStrategy = TrainSamplingStrategy.Sequential,
    };

    /// <summary>Every figure that the reference logged, within the tolerances of the fixtures.</summary>
    /// <param name="reports">One per step.</param>
    /// <param name="steps">How many to compare.</param>
    /// <param name="tolerances">Figures with a tolerance of their own; null leaves the figure out.</param>
    public void RequireLog(IReadOnlyList<StepReport> reports, int? steps = null, IReadOnlyDictionary<string, double?>? tolerances = null)
    {
        Assert.HasCount(Steps, reports);
        foreach (JsonElement expected in Logged.Take(steps ?? Steps))
        {
            StepReport actual = reports[expected.GetProperty("step").GetInt32() - 1];
            foreach (JsonProperty entry in expected.EnumerateObject().Where(entry => entry.Name is not ("step" or "epoch")))
            {
                double value = entry.Value.GetDouble(), tolerance = entry.Name == "grad_norm" ? 1e-3 * value : 1e-4;
                if (tolerances?.TryGetValue(entry.Name, out double? own) == true)
                    tolerance = own ?? double.PositiveInfinity;
                Assert.AreEqual(value, actual[entry.Name], tolerance, $"{Name}: {entry.Name} of step {actual.Step}");
                Note(entry.Name, Math.Abs(value - actual[entry.Name]) / (entry.Name == "grad_norm" ? value : 1));
            }
        }
    }

    /// <summary>The weights after the last step. Biases of attention keys are left out: their true gradient is 0, what moves them is rounding.</summary>
    /// <param name="weights">By their Hugging Face names.</param>
    /// <param name="tolerance">Largest absolute difference.</param>
    /// <param name="driftless">Another tensor whose true gradient is 0.</param>
    public void RequireWeights(IEnumerable<(string Name, Tensor Value)> weights, double tolerance, string? driftless = null)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> actual = weights.ToDictionary(weight => weight.Name, weight => weight.Value);
        foreach (string name in _final.Names.Where(name => name != driftless))
        {
            Tensor expected = _final[name];
            Tensor value = name == "EMB16" ? actual.First(weight => weight.Key.EndsWith("wte.weight", StringComparison.Ordinal) || weight.Key.EndsWith("embed_tokens.weight", StringComparison.Ordinal)).Value.narrow(0, 0, 16) : actual[name];
            if (name.EndsWith("c_attn.bias", StringComparison.Ordinal))
                (expected, value) = (WithoutKeys(expected), WithoutKeys(value));
            else if (name.EndsWith("k_proj.bias", StringComparison.Ordinal))
                continue;
            Close.Absolute(expected, value, tolerance, $"{Name}: {name}");
            Note("weights", Close.Distance(value, expected));
        }
        foreach (JsonProperty entry in _run.GetProperty("final_stats").EnumerateObject().Where(entry => actual.ContainsKey(entry.Name) && entry.Name != driftless && !entry.Name.EndsWith("attn.bias", StringComparison.Ordinal) && !entry.Name.EndsWith("k_proj.bias", StringComparison.Ordinal)))
        {
            Tensor value = actual[entry.Name].to_type(ScalarType.Float64);
            double squares = entry.Value.GetProperty("sq_sum").GetDouble();
            Assert.AreEqual(squares, (value * value).sum().item<double>(), 1e-4 * squares, $"{Name}: squares of {entry.Name}");
        }
    }

    public void Dispose()
    {
        _batches.Dispose();
        _final.Dispose();
    }

    private static Tensor WithoutKeys(Tensor bias) => cat([bias.narrow(0, 0, bias.shape[0] / 3), bias.narrow(0, bias.shape[0] / 3 * 2, bias.shape[0] / 3)]);

    /// <summary>Collects deviations for a table, where the variable TRL_DEVIATIONS names a file.</summary>
    private void Note(string what, double deviation)
    {
        if (Environment.GetEnvironmentVariable("TRL_DEVIATIONS") is { Length: > 0 } file)
            File.AppendAllText(file, FormattableString.Invariant($"{Name} {what} {deviation:G3}\n"));
    }
}
