using Microsoft.ML.Trl.Operators;
using Microsoft.ML.Trl.Tests.Algorithms;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Training.Optimizers;

[TestClass]
public sealed class StateFolderTests
{
    [TestMethod]
    [DataRow(OptimizerKind.AdamW, ScalarType.Float32)]
    [DataRow(OptimizerKind.AdamW, ScalarType.BFloat16)]
    [DataRow(OptimizerKind.Adam, ScalarType.Float32)]
    [DataRow(OptimizerKind.Sgd, ScalarType.BFloat16)]
    [DataRow(OptimizerKind.RmsProp, ScalarType.Float32)]
    [DataRow(OptimizerKind.Adagrad, ScalarType.Float32)]
    [DataRow(OptimizerKind.Adafactor, ScalarType.Float32)]
    [DataRow(OptimizerKind.Lion, ScalarType.Float32)]
    [DataRow(OptimizerKind.AdamW8Bit, ScalarType.Float32)]
    [DataRow(OptimizerKind.Adam8Bit, ScalarType.BFloat16)]
    [DataRow(OptimizerKind.Lion8Bit, ScalarType.Float32)]
    public void State_in_files_gives_the_same_bits(OptimizerKind kind, ScalarType type)
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using Generator rng = new(1);
        Tensor start = randn([70, 71], generator: rng).to_type(type), bias = randn([71], generator: rng).to_type(type);
        Tensor[] memory = [start.clone().requires_grad_(), bias.clone().requires_grad_()];
        Tensor[] files = [start.clone().requires_grad_(), bias.clone().requires_grad_()];
        var settings = new UpdateSettings(kind) { WeightDecay = 0.1 };
        using (var one = new Optimizer(Trained.Of(memory), settings))
        using (var other = new Optimizer(Trained.Of(files), settings with { Folder = folder.Path }))
        {
            for (int step = 1; step <= 4; step++)
                for (int i = 0; i < 2; i++)
                {
                    memory[i].grad = randn(memory[i].shape, generator: rng).to_type(type);
                    files[i].grad = memory[i].grad!.clone();
                    if (i == 0)
                        continue;
                    one.Step(step, 0.01, gradientDivisor: 1.5);
                    other.Step(step, 0.01, gradientDivisor: 1.5);
                }
            Assert.AreEqual(one.StateBytes, other.StateBytes);
            if (OperatingSystem.IsLinux())
                Assert.IsTrue(
                    File.ReadLines("/proc/self/maps").Any(line => line.Contains(folder.Path, StringComparison.Ordinal)), "mapped files");
        }
        Close.Absolute(memory[0], files[0], 0, $"{kind}");
        Close.Absolute(memory[1], files[1], 0, $"{kind}, bias");
        Assert.IsEmpty(Directory.GetFiles(folder.Path), "files that stay");
    }

    [TestMethod]
    public void A_run_with_its_state_in_a_folder_leaves_nothing_behind()
    {
        using var folder = new TemporaryFolder();
        float[] Train(string? place)
        {
            using CausalLanguageModel model = Toys.Gpt2();
            new SftLoop(model, new SftOptions { MaxSteps = 3, OptimizerStateFolder = place }).Run([new TokenExample([1, 2, 3, 4], 1)]);
            return Toys.Flat(model.Weights());
        }
        Close.Absolute(Train(null), Train(folder.Path), 0);
        Assert.IsEmpty(Directory.GetFiles(folder.Path));
    }

    [TestMethod]
    public void A_folder_that_is_missing_or_full_is_told_before_the_first_step()
    {
        using var folder = new TemporaryFolder();
        string missing = Path.Combine(folder.Path, "missing");
        using CausalLanguageModel model = Toys.Gpt2();
        var options = new SftOptions { MaxSteps = 1, OptimizerStateFolder = missing };
        var error = Assert.ThrowsExactly<DirectoryNotFoundException>(
            () => new SftLoop(model, options).Run([new TokenExample([1, 2, 3], 1)]));
        StringAssert.Contains(error.Message, $"The folder '{missing}' for the optimizer's state is not there; create it, or name another.");
        using var memory = new MappedMemory(folder.Path);
        var full = Assert.ThrowsExactly<IOException>(() => memory.Zeros([1L << 50], ScalarType.Float32));
        StringAssert.Contains(full.Message, $"The disk of the folder '{folder.Path}' is full: 4503599627370496 bytes");
        StringAssert.Contains(full.Message, "are free. Make room there, or name another folder.");
    }

    [TestMethod]
    public void Nothing_outlives_it() => Leaks.None(() =>
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        Tensor weight = ones(70, 70).requires_grad_();
        foreach (OptimizerKind kind in Enum.GetValues<OptimizerKind>())
        {
            using var step = new GradientStep(Trained.Of(weight), new SftOptions { Optim = kind, OptimizerStateFolder = folder.Path }, 1);
            step.Accumulate(weight.sum());
            step.Update(0);
        }
    });
}
