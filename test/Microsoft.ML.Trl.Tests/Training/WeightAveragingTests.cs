using Microsoft.ML.Trl.Tests.Algorithms;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Training;

/// <summary>BEMA as TRL's callback computes it, against a loop by hand over the weights of runs that end earlier.</summary>
[TestClass]
public sealed class WeightAveragingTests
{
    private const int Steps = 8;

    private static readonly SftOptions Options = new()
    {
        LearningRate = 1e-2, MaxSteps = Steps, PerDeviceTrainBatchSize = 4, LrSchedulerType = LrSchedulerType.Constant,
    };

    [TestMethod]
    [DataRow(1, 0, 1.0, 0.0)]
    [DataRow(3, 0, 1.0, 0.0)]
    [DataRow(2, 3, 0.5, 0.6)]
    public void The_fitted_weights_are_the_average_by_hand(int every, int after, double multiplier, double least)
    {
        var averaging = new WeightAveragingOptions
        {
            UpdateFreq = every, UpdateAfter = after, Multiplier = multiplier, MinEmaMultiplier = least, EmaPower = 0.7, BiasPower = 0.3,
        };
        double[][] path = Path();
        double[] start = path[0], moving = path[0], average = path[0];
        for (int step = 1; step <= Steps; step++)
        {
            if (step == after)
                (start, moving) = (path[step], path[step]);
            if (step <= after || (step - after) % every != 0)
                continue;
            double time = 10 + (multiplier * step), beta = Math.Max(1 / Math.Pow(time, 0.7), least), alpha = 1 / Math.Pow(time, 0.3);
            moving = [.. moving.Zip(path[step], (mean, now) => mean + (beta * (now - mean)))];
            average = [.. Enumerable.Range(0, moving.Length).Select(i => moving[i] + (alpha * (path[step][i] - start[i])))];
        }
        Close.Absolute(average, Wide(Train(Options with { WeightAveraging = averaging })), 1e-6);
    }

    [TestMethod]
    public void A_fixed_decay_is_a_plain_moving_average()
    {
        double[][] path = Path();
        double[] moving = path[0];
        for (int step = 2; step <= Steps; step += 2)
            moving = [.. moving.Zip(path[step], (mean, now) => (0.75 * mean) + (0.25 * now))];
        var averaging = new WeightAveragingOptions { UpdateFreq = 2, EmaDecay = 0.75 };
        Close.Absolute(moving, Wide(Train(Options with { WeightAveraging = averaging })), 1e-6);
    }

    [TestMethod]
    public void Without_bias_power_the_share_falls_and_nothing_is_added()
    {
        double[][] path = Path();
        double[] moving = path[0];
        for (int step = 1; step <= Steps; step++)
            moving = [.. moving.Zip(path[step], (mean, now) => mean + ((now - mean) / Math.Sqrt(10 + step)))];
        var averaging = new WeightAveragingOptions { UpdateFreq = 1, BiasPower = null };
        Close.Absolute(moving, Wide(Train(Options with { WeightAveraging = averaging })), 1e-6);
    }

    [TestMethod]
    public void An_adapter_is_averaged_alone()
    {
        using CausalLanguageModel model = TinyModels.Gpt2();
        float[] Adapter()
        {
            PeftExtensions.AddNamed(model, new LoraOptions(), 1);
            new SftLoop(model, Options with { WeightAveraging = new() { UpdateFreq = 4, EmaDecay = 0.5 } }).Run(TinyModels.Texts(12));
            return Toys.Flat(model.Everything().Where(weight => weight.Name.Contains("adapter", StringComparison.Ordinal)));
        }
        float[] before = Toys.Flat(model.BaseWeights()), adapter = Adapter();
        CollectionAssert.AreEqual(before, Toys.Flat(model.BaseWeights()));
        using CausalLanguageModel plain = TinyModels.Gpt2();
        PeftExtensions.AddNamed(plain, new LoraOptions(), 1);
        float[] Trained() => Toys.Flat(plain.Everything().Where(weight => weight.Name.Contains("adapter", StringComparison.Ordinal)));
        float[] first = Trained();
        new SftLoop(plain, Options).Run(TinyModels.Texts(12));
        Assert.HasCount(first.Length, adapter);
        Close.Differ(adapter, Trained(), 1e-4);
        Close.Differ(adapter, first, 1e-4);
    }

    [TestMethod]
    public void Ppo_averages_policy_and_critic_when_its_session_ends()
    {
        var options = new PpoOptions
        {
            Steps = 6, BatchSize = 2, MiniBatchSize = 2, LearningRate = 1e-2, Generation = new() { MaxNewTokens = 3, EosTokenIds = [] },
        };
        var averaged = options with { WeightAveraging = new() { UpdateFreq = 1, EmaDecay = 0.9 } };
        List<double[]> path = [];
        Leaks.None(() =>
        {
            path = [];
            using CausalLanguageModel policy = TinyModels.Gpt2();
            using ValueHead critic = ValueHead.Create(16, 1);
            double[] Now() => Wide([.. TinyModels.Flat(policy.Weights()), .. Toys.Flat(critic.Weights())]);
            path.Add(Now());
            using (var session = new PpoSession(policy, averaged, critic))
                for (int step = 0; step < 3; step++)
                {
                    session.Step([[3, 4], [5]], [[6, 7], [8]], [1, -1]);
                    path.Add(Now());
                }
            path.Add(Now());
        });
        double[] moving = path[0];
        foreach (double[] now in path[1..4])
            moving = [.. moving.Zip(now, (mean, next) => (0.9 * mean) + (0.1 * next))];
        Close.Absolute(moving, path[4], 1e-6);
        Assert.AreNotEqual(path[3][0], path[4][0]);
    }

    [TestMethod]
    public void A_run_that_ends_early_has_the_average_it_reached()
    {
        using var source = new CancellationTokenSource();
        using CausalLanguageModel model = TinyModels.Gpt2();
        var progress = new Collected(report => { if (report.Step == 3) source.Cancel(); });
        SftOptions options = Options with { LoggingSteps = 1, WeightAveraging = new() { UpdateFreq = 2, EmaDecay = 0.5 } };
        var loop = new SftLoop(model, options, progress);
        Assert.ThrowsExactly<TrainingCanceledException>(() => loop.Run(TinyModels.Texts(12), source.Token));
        double[][] path = Path();
        // the third step was made, but not averaged
        Close.Absolute([.. path[0].Zip(path[2], (a, b) => (a + b) / 2)], Wide(TinyModels.Flat(model.Weights())), 1e-6);
    }

    [TestMethod]
    public void Bfloat16_weights_are_averaged_in_float32() => Leaks.None(() =>
    {
        using var scope = NewDisposeScope();
        Tensor weight = zeros(3, ScalarType.BFloat16).requires_grad_();
        var options = new SftOptions { WeightAveraging = new() { UpdateFreq = 1, EmaDecay = 0.999 } };
        using WeightAverage average = WeightAverage.Of(options, [weight, weight], 100)!;
        using (no_grad())
            weight.fill_(1);
        for (int step = 1; step <= 100; step++)
            average.Follow(step);
        average.Apply();
        float reached = weight[0].to_type(ScalarType.Float32).item<float>(); // in bfloat16 steps so small would be lost by rounding
        Close.Relative(1 - Math.Pow(0.999, 100), reached, 4e-3);
    });

    [TestMethod]
    public void What_cannot_be_averaged_is_said()
    {
        static void fails(string message, WeightAveragingOptions averaging) => StringAssert.StartsWith(
            Assert.Throws<ArgumentException>((Options with { WeightAveraging = averaging }).Validated).Message, message);
        fails("UpdateFreq (0) must be 1 or greater.", new() { UpdateFreq = 0 });
        fails("EmaPower (-1) must be a finite number, 0 or greater.", new() { EmaPower = -1 });
        fails("BiasPower (NaN) must be a finite number, 0 or greater.", new() { BiasPower = double.NaN });
        fails("Lag (-1) must be 0 or greater.", new() { Lag = -1 });
        fails("UpdateAfter (-1) must be 0 or greater.", new() { UpdateAfter = -1 });
        fails("Multiplier (-1) must be a finite number, 0 or greater.", new() { Multiplier = -1 });
        fails("MinEmaMultiplier (2) must lie between 0 and 1.", new() { MinEmaMultiplier = 2 });
        fails("EmaDecay (1) must be at least 0 and below 1.", new() { EmaDecay = 1 });
        fails("Lag (0) and Multiplier (0.5) must add up to at least 1", new() { Lag = 0, Multiplier = 0.5 });
        using CausalLanguageModel model = TinyModels.Gpt2();
        StringAssert.StartsWith(
            Assert.ThrowsExactly<ArgumentException>(
                () => new SftLoop(model, Options with { WeightAveraging = new() }).Run(TinyModels.Texts(12))).Message,
            "WeightAveraging updates its average every UpdateFreq (400) steps after UpdateAfter (0), but the run has 8 steps");
        StringAssert.StartsWith(
            Assert.ThrowsExactly<ArgumentException>(new PpoOptions { WeightAveraging = new() }.Validated).Message,
            "WeightAveraging updates its average every UpdateFreq (400) steps after UpdateAfter (0), but the run has 157 steps");
    }

    [TestMethod]
    public void Options_beside_a_fixed_decay_are_named()
    {
        string[] named = [.. (Options with { WeightAveraging = new() { EmaDecay = 0.9, Lag = 3 } }).WithoutEffect()];
        CollectionAssert.Contains(named, "EmaPower, BiasPower, Lag, Multiplier and MinEmaMultiplier of WeightAveraging with EmaDecay");
        Assert.IsEmpty((Options with { WeightAveraging = new() { EmaDecay = 0.9, UpdateFreq = 3 } }).WithoutEffect());
    }

    /// <summary>The weights after 0, 1, 2, ... steps.</summary>
    private static double[][] Path()
    {
        using CausalLanguageModel fresh = TinyModels.Gpt2();
        IEnumerable<float[]> trained = Enumerable.Range(1, Steps).Select(steps => Train(Options with { MaxSteps = steps }));
        return [Wide(TinyModels.Flat(fresh.Weights())), .. trained.Select(Wide)];
    }

    private static float[] Train(SftOptions options)
    {
        using CausalLanguageModel model = TinyModels.Gpt2();
        new SftLoop(model, options).Run(TinyModels.Texts(12));
        return TinyModels.Flat(model.Weights());
    }

    private static double[] Wide(float[] values) => Array.ConvertAll(values, value => (double)value);
}
