using Microsoft.ML.Trl.Tests.Numerics;
using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Diffusion;

[TestClass]
public sealed class DiffusionModelTests
{
    private static readonly ImageGenerationOptions Short = new() { NumInferenceSteps = 5, GuidanceScale = 2, Eta = 1, Seed = 3 };

    [TestMethod]
    public void A_fresh_network_has_the_names_and_shapes_of_the_reference()
    {
        using var model = DiffusionModel.Create(Shapes.Config with { BlockOutChannels = [8, 16] }, 1);
        Dictionary<string, string> shapes = model.Weights().ToDictionary(
            weight => weight.Name, weight => string.Join(' ', weight.Value.shape));
        foreach ((string name, string shape) in new[]
        {
            ("conv_in.weight", "8 1 3 3"), ("time_embedding.linear_1.weight", "32 8"), ("time_embedding.linear_2.weight", "32 32"),
            ("down_blocks.0.resnets.0.conv1.weight", "8 8 3 3"), ("down_blocks.0.resnets.0.time_emb_proj.weight", "8 32"),
            ("down_blocks.0.downsamplers.0.conv.weight", "8 8 3 3"), ("down_blocks.1.resnets.0.conv_shortcut.weight", "16 8 1 1"),
            ("mid_block.attentions.0.to_out.0.weight", "16 16"), ("mid_block.attentions.0.group_norm.weight", "16"),
            ("mid_block.resnets.1.norm2.bias", "16"), ("up_blocks.0.resnets.0.conv1.weight", "16 32 3 3"),
            ("up_blocks.0.resnets.1.conv1.weight", "16 24 3 3"), ("up_blocks.0.upsamplers.0.conv.weight", "16 16 3 3"),
            ("up_blocks.1.resnets.0.conv1.weight", "8 24 3 3"), ("up_blocks.1.resnets.1.conv1.weight", "8 16 3 3"),
            ("conv_norm_out.weight", "8"), ("conv_out.weight", "1 8 3 3"), ("word_embedding.weight", "32 3"),
        })
            Assert.AreEqual(shape, shapes[name], name);
        long numbers = shapes.Values.Sum(shape => shape.Split(' ').Select(long.Parse).Aggregate(1L, (a, b) => a * b));
        Assert.AreEqual(numbers, model.ParameterCount);
    }

    [TestMethod]
    public void A_network_without_attention_or_words_works_too()
    {
        using var model = Shapes.Model(
            config: Shapes.Config with { NumAttentionHeads = 0, Words = [], BlockOutChannels = [8], LayersPerBlock = 2, Channels = 3 });
        using Tensor images = model.Generate(["", ""], Short);
        CollectionAssert.AreEqual(new long[] { 2, 3, 8, 8 }, images.shape);
    }

    [TestMethod]
    public void Gradients_are_finite_differences()
    {
        using var scope = NewDisposeScope();
        using var model = Shapes.Model(config: Shapes.Config with { Height = 2, Width = 2, BlockOutChannels = [4], NormNumGroups = 2 });
        model.Network.to(ScalarType.Float64);
        Tensor images = rand([1, 1, 2, 2], ScalarType.Float64, generator: new Generator(4)).requires_grad_();
        double shares(Tensor at) => model.Network.forward(at, Waves(), Words()).square().sum().item<double>();
        model.Network.forward(images, Waves(), Words()).square().sum().backward();
        Close.Relative(FiniteDifferences.Of(images, shares), images.grad!, 1e-6);
        Tensor weight = model.Network.get_parameter("mid_block.resnets.0.conv1.bias")!;
        Tensor kept = weight.detach().clone();
        double moved(Tensor to)
        {
            weight.detach().copy_(to);
            double value = shares(images.detach());
            weight.detach().copy_(kept);
            return value;
        }
        Close.Relative(FiniteDifferences.Of(kept, moved), weight.grad!, 1e-5);
        Tensor Waves() => UNet.Waves([7], 4, CPU).to(ScalarType.Float64);
        Tensor Words() => tensor([0.5, 0.5, 0], [1, 3]);
    }

    [TestMethod]
    public void Waves_are_those_of_the_formula()
    {
        using Tensor waves = UNet.Waves([3, 50], 4, CPU);
        double[] expected =
        [
            Math.Cos(3), Math.Cos(0.03), Math.Sin(3), Math.Sin(0.03), Math.Cos(50), Math.Cos(0.5), Math.Sin(50), Math.Sin(0.5),
        ];
        Close.Absolute(tensor(expected, [2, 4]), waves, 1e-6);
    }

    [TestMethod]
    public void Guidance_is_that_of_the_formula() => Leaks.None(() =>
    {
        using var scope = NewDisposeScope();
        using var model = Shapes.Model();
        Tensor images = rand([2, 1, 8, 8], generator: new Generator(4));
        Tensor none = model.PredictNoise(images, [40, 7], ["", ""]), prompt = model.PredictNoise(images, [40, 7], Shapes.Prompts);
        Close.Absolute(none + (3 * (prompt - none)), model.PredictNoise(images, [40, 7], Shapes.Prompts, 3), 1e-5);
        Close.Absolute(none, model.PredictNoise(images, [40, 7], Shapes.Prompts, 0), 1e-6);
        Close.Above(1e-3, (prompt - none).abs().max().item<float>());
    });

    [TestMethod]
    public void Words_count_by_their_shares_in_any_order_and_case()
    {
        using var scope = NewDisposeScope();
        using var model = Shapes.Model();
        Close.Absolute(
            tensor(new[] { 0.5f, 0.5f, 0, 0, 0, 0, 1 / 3f, 0, 2 / 3f }, [3, 3]),
            model.Words.Shares(["Flat  bar", "", "upright BAR upright"], CPU), 1e-7);
    }

    [TestMethod]
    public void The_same_seed_draws_the_same_images_and_each_place_its_own() => Leaks.None(() =>
    {
        using var scope = NewDisposeScope();
        using var model = Shapes.Model();
        string[] prompts = ["flat bar", "flat bar", "upright bar"];
        Tensor images = model.Generate(prompts, Short);
        Close.Absolute(images, model.Generate(prompts, Short), 0);
        Close.Absolute(images[..2], model.Generate(prompts[..2], Short), 1e-5, "fewer at once");
        Close.Above(0.05, (images[0] - images[1]).abs().max().item<float>());
        Close.Above(0.05, (images - model.Generate(prompts, Short with { Seed = 4 })).abs().max().item<float>());
        Close.Above(1e-4, (images - model.Generate(prompts, Short with { Eta = 0 })).abs().max().item<float>());
        Close.Above(1e-4, (images - model.Generate(prompts, Short with { NegativePrompt = "bar" })).abs().max().item<float>());
        Assert.IsTrue(images.min().item<float>() >= 0 && images.max().item<float>() <= 1);
    });

    [TestMethod]
    public void A_saved_model_draws_the_same_images() => Leaks.None(() =>
    {
        using var scope = NewDisposeScope();
        using var folder = new TemporaryFolder();
        using var model = Shapes.Model();
        model.Save(folder.Path);
        using var loaded = DiffusionModel.Load(folder.Path);
        using DiffusionModel copy = model.Copy();
        Tensor images = model.Generate(Shapes.Prompts, Short);
        Close.Absolute(images, loaded.Generate(Shapes.Prompts, Short), 0);
        Close.Absolute(images, copy.Generate(Shapes.Prompts, Short), 0);
        Assert.AreEqual(model.ConfigText(), loaded.ConfigText());
    });

    [TestMethod]
    public void Damaged_folders_are_refused_by_name()
    {
        using var folder = new TemporaryFolder();
        using var model = Shapes.Model();
        model.Save(folder.Path);
        string config = Path.Combine(folder.Path, "config.json"), text = File.ReadAllText(config);
        Refused(text.Replace("\"Height\": 8", "\"Height\": 7", StringComparison.Ordinal), "Height (7) must be a multiple of 2");
        Refused(text.Replace("\"Channels\": 1", "\"Channels\": 2", StringComparison.Ordinal), "conv_in.weight [16, 1, 3, 3] instead of");
        Refused(text.Replace("\"Words\"", "\"Word\"", StringComparison.Ordinal), "Word");
        Refused("null", "describes no denoising network");
        Refused("{", "describes no denoising network");

        void Refused(string json, string words)
        {
            File.WriteAllText(config, json);
            Assert.Contains(words, Assert.ThrowsExactly<InvalidDataException>(() => DiffusionModel.Load(folder.Path)).Message);
        }
    }
}
