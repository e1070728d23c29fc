using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Diffusion;

/// <summary>Schedules and steps against their formulas, worked out in Python with doubles.</summary>
[TestClass]
public sealed class DdimSchedulerTests
{
    private const double Exact = 1e-12, Single = 2e-6;

    [TestMethod]
    public void Betas_are_those_of_the_formulas()
    {
        Close.Relative(
            [0.9999, 0.99758912, 0.993077800312889, 0.9863910764574488, 0.9775683562735794, 0.9666630381658163, 0.9537419755556666,
                0.9388847950031217, 0.922183077705344, 0.9037394161512371],
            Ten(BetaSchedule.Linear, 1e-4, 0.02).AlphasCumprod.ToArray(), Exact);
        NoiseSchedule scaled = Ten(BetaSchedule.ScaledLinear, 0.00085, 0.012);
        Close.Relative(
            [0.00085, 0.001450616075957385, 0.0022108003551476467, 0.003130552837570784, 0.004209873523226797, 0.0054487624121156856,
                0.00684721950423745, 0.008405244799592091, 0.010122838298179612, 0.012],
            scaled.Betas.ToArray(), Exact);
        Close.Relative(0.9465876540505929, scaled.AlphasCumprod[9], Exact);
        Close.Relative(
            [0.02790726288603096, 0.07549363729672243, 0.12439598636904847, 0.17718952540157384, 0.23728153019052478, 0.30988344010857216,
                0.40400314303967555, 0.5369981776428854, 0.743829366895427, 0.999],
            Ten(BetaSchedule.SquaredcosCapV2, 1e-4, 0.02).Betas.ToArray(), 1e-10);
    }

    [TestMethod]
    public void The_defaults_are_those_of_the_reference_at_their_full_length()
    {
        NoiseSchedule linear = new();
        Close.Relative(
            [0.9999, 0.9997800920720721, 0.07779665836502386, 4.0358297653756754e-05],
            new[] { 0, 1, 500, 999 }.Select(step => linear.AlphasCumprod[step]).ToArray(), Exact);
        NoiseSchedule stable = new(new() { BetaSchedule = BetaSchedule.ScaledLinear, BetaStart = 0.00085, BetaEnd = 0.012 });
        Close.Relative(
            [0.9982960278384514, 0.2763326838229746, 0.004660098513077234],
            new[] { 1, 500, 999 }.Select(step => stable.AlphasCumprod[step]).ToArray(), Exact);
        int[] steps = [.. new DdimScheduler(linear, 50).Timesteps];
        CollectionAssert.AreEqual(new[] { 981, 961, 941 }, steps[..3]);
        CollectionAssert.AreEqual(new[] { 41, 21, 1 }, steps[^3..]);
        Assert.HasCount(50, steps);
    }

    [TestMethod]
    [DataRow(false, 481, 0.3, 0.5, 0.7, 0.25453023419898024, 0.2885137090330771)]
    [DataRow(false, 481, -1.2, 0.9, 0.7, -1.4559713219285384, 0.2885137090330771)]
    [DataRow(true, 481, -1.2, 0.9, 0.7, 0.46933864462827385, 0.2885137090330771)]
    [DataRow(false, 1, 0.25, -0.4, 1.0, 0.2532498619896807, 0.00738457017117494)]
    [DataRow(false, 981, 1.5, 1.1, 0.0, 1.5868159871521148, 0.0)]
    [DataRow(true, 981, 1.5, 1.1, 0.0, 1.109211948469819, 0.0)]
    public void A_step_is_that_of_the_formula(
        bool clips, int timestep, double image, double noise, double eta, double mean, double deviation) => Leaks.None(() =>
    {
        using var scope = NewDisposeScope();
        DdimScheduler scheduler = new(new NoiseSchedule(new() { ClipSample = clips }), 50);
        DdimTransition step = scheduler.Step(full([1, 1, 1, 1], noise), [timestep], full([1, 1, 1, 1], image), eta);
        Close.Absolute(mean, step.Mean.item<float>(), timestep > 900 && !clips ? 1e-3 : Single, "mean"); // divided by √ᾱ = 0.007
        Close.Absolute(deviation, step.Deviation.item<float>(), Single, "deviation");
    });

    [TestMethod]
    public void Rows_have_their_own_timesteps()
    {
        using var scope = NewDisposeScope();
        DdimScheduler scheduler = new(new NoiseSchedule(new() { ClipSample = false }), 50);
        Tensor noise = tensor([0.5f, -0.4f]).view(2, 1, 1, 1), images = tensor([0.3f, 0.25f]).view(2, 1, 1, 1);
        DdimTransition both = scheduler.Step(noise, [481, 1], images, 1);
        DdimTransition second = scheduler.Step(noise[1..], [1], images[1..], 1);
        Close.Absolute(second.Mean, both.Mean[1..], 0);
        Close.Absolute(second.Deviation, both.Deviation[1..], 0);
    }

    [TestMethod]
    public void Log_probabilities_are_those_of_the_normal_density() => Leaks.None(() =>
    {
        using var scope = NewDisposeScope();
        Tensor mean = tensor([0.1f, -0.2f, 0.3f, 0.4f]).view(2, 1, 1, 2), deviation = tensor([0.5f, 2f]).view(2, 1, 1, 1);
        Tensor images = tensor([0.6f, -0.2f, -1.7f, 4.4f]).view(2, 1, 1, 2);
        double normal = 0.5 * Math.Log(2 * Math.PI);
        double[] expected =
        [
            ((-0.5 - Math.Log(0.5) - normal) + (-Math.Log(0.5) - normal)) / 2, // 1 and 0 deviations away
            ((-0.5 - Math.Log(2) - normal) + (-2 - Math.Log(2) - normal)) / 2, // 1 and 2
        ];
        Close.Absolute(tensor(expected), new DdimTransition(mean, deviation).LogProb(images), Single);
    });

    [TestMethod]
    public void Chances_of_a_step_add_up_to_one()
    {
        using var scope = NewDisposeScope();
        Tensor places = linspace(-6, 6, 4001).view(-1, 1, 1, 1);
        Tensor mean = full([4001, 1, 1, 1], 0.4), deviation = full([4001, 1, 1, 1], 0.7);
        Tensor density = new DdimTransition(mean, deviation).LogProb(places).exp();
        Close.Absolute(1, density.sum().item<float>() * 12 / 4000, 1e-4);
    }

    [TestMethod]
    public void Without_eta_a_known_noise_is_taken_away_exactly()
    {
        using var scope = NewDisposeScope();
        using var rng = new Generator(3);
        NoiseSchedule schedule = new(new() { NumTrainTimesteps = 100, BetaStart = 1e-3, BetaEnd = 0.1, ClipSample = false });
        DdimScheduler scheduler = new(schedule, 10);
        Tensor image = rand([2, 1, 4, 4], generator: rng), noise = randn([2, 1, 4, 4], generator: rng);
        Tensor x = schedule.AddNoise(image, noise, [91, 91]);
        foreach (int timestep in scheduler.Timesteps)
        {
            DdimTransition step = scheduler.Step(noise, [timestep, timestep], x, eta: 0);
            x = step.Sample(randn([2, 1, 4, 4], generator: rng)); // whatever is drawn: nothing is added
        }
        double left = schedule.AlphasCumprod[0]; // Eq. 12 with a perfect network: √ᾱ·x₀ + √(1-ᾱ)·ε at the schedule's first step
        Close.Absolute((Math.Sqrt(left) * image) + (Math.Sqrt(1 - left) * noise), x, 2e-5);
    }

    [TestMethod]
    public void Images_become_noise_as_the_schedule_says()
    {
        using var scope = NewDisposeScope();
        NoiseSchedule schedule = Ten(BetaSchedule.Linear, 1e-4, 0.02);
        Tensor noisy = schedule.AddNoise(tensor([1f, 1f]).view(2, 1), tensor([0f, 2f]).view(2, 1), [9, 0]);
        Close.Absolute(
            tensor([Math.Sqrt(0.9037394161512371), Math.Sqrt(0.9999) + (2 * Math.Sqrt(0.0001))]).view(2, 1), noisy, Single);
    }

    private static NoiseSchedule Ten(BetaSchedule kind, double start, double end) =>
        new(new() { NumTrainTimesteps = 10, BetaSchedule = kind, BetaStart = start, BetaEnd = end });
}
