using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl;

/// <summary>A denoising network that draws images of prompts, with its noise schedule and its words. Owns the network.</summary>
/// <remarks>Images may be drawn on several threads at once, but not while it is trained.</remarks>
public sealed class DiffusionModel : IDisposable
{
    internal const string ConfigFile = "config.json", WeightsFile = "diffusion_pytorch_model.safetensors";

    private static readonly JsonSerializerOptions Json = new()
    {
        WriteIndented = true,
        RespectNullableAnnotations = true,
        AllowDuplicateProperties = false,
    };

    private readonly ReferenceCount _uses;

    internal DiffusionModel(DenoiserConfig config, WeightSource weights)
    {
        (Config, Schedule, Words) = (config, new NoiseSchedule(config.Schedule), new PromptWords(config.Words));
        Network = new UNet(config, weights);
        _uses = new ReferenceCount(nameof(DiffusionModel), Network.Dispose);
    }

    /// <summary>Its shape.</summary>
    public DenoiserConfig Config { get; }

    /// <summary>Its noise.</summary>
    public NoiseSchedule Schedule { get; }

    /// <summary>Numbers in all weights.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public long ParameterCount
    {
        get
        {
            using IDisposable use = Use();
            return Network.parameters().Sum(weight => weight.NumberOfElements);
        }
    }

    internal UNet Network { get; }

    internal PromptWords Words { get; }

    internal Device Device => Network.parameters().First().device;

    /// <summary>A model with random weights in float32.</summary>
    /// <param name="config">Its shape.</param>
    /// <param name="seed">The weights are a function of it.</param>
    /// <param name="device">Where they go; null = CPU.</param>
    /// <returns>The caller owns it.</returns>
    /// <exception cref="ArgumentException">A number of the shape is out of range, or the device is not there.</exception>
    public static DiffusionModel Create(DenoiserConfig config, int seed, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        RequireTensor.Place(device, null);
        config.Validated();
        using RandomWeights weights = new(seed);
        using OwnershipGuard<DiffusionModel> model = new(new DiffusionModel(config, weights));
        return device is null || device.type == DeviceType.CPU ? model.Release() : model.Value.Copy(device);
    }

    /// <summary>Loads a folder that <see cref="Save"/> wrote.</summary>
    /// <param name="folder">Path on this machine.</param>
    /// <param name="device">Where the weights go; null = CPU.</param>
    /// <returns>The caller owns it.</returns>
    /// <exception cref="ArgumentException">The path is empty, or the device is not there.</exception>
    /// <exception cref="IOException">There is no such folder, or it lacks a file.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or the weights do not fit the shape; the message says how.</exception>
    public static DiffusionModel Load(string folder, Device? device = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        RequireTensor.Place(device, null);
        string file = Path.Combine(folder, ConfigFile);
        DenoiserConfig config = Parse(BoundedText.ReadFile(file, BoundedText.Small), file);
        using IWeightStore weights = SafetensorsFile.Open(Path.Combine(folder, WeightsFile));
        return Build(config, weights, device ?? CPU);
    }

    /// <summary>Writes <c>config.json</c> and <c>diffusion_pytorch_model.safetensors</c>, with diffusers' names of weights.</summary>
    /// <param name="folder">Made when it is not there; files of the same names are replaced.</param>
    /// <exception cref="ArgumentException">The path is empty.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public void Save(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        using IDisposable use = Use();
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, ConfigFile), ConfigText());
        SafetensorsWriter.Write(Path.Combine(folder, WeightsFile), Weights());
    }

    /// <summary>A second model with equal weights that shares nothing with this one.</summary>
    /// <param name="device">Where its weights go; null = where they are here.</param>
    /// <returns>The caller owns it.</returns>
    /// <exception cref="ArgumentException">The device is not there.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public DiffusionModel Copy(Device? device = null)
    {
        using IDisposable use = Use();
        return new DiffusionModel(Config, new CopiedWeights(Weights(UNet.Root + "."), null, device));
    }

    /// <summary>The noise that the network sees in images.</summary>
    /// <param name="images">[B, channels, height, width] float32, in about [-1, 1] where there is no noise.</param>
    /// <param name="timesteps">[B] how noisy each is, from 0 to below the length of the schedule.</param>
    /// <param name="prompts">[B] what they are to show.</param>
    /// <param name="guidanceScale">Weight of the prompts; 1 = no guidance.</param>
    /// <returns>[B, channels, height, width]. The caller owns it.</returns>
    /// <exception cref="ArgumentException">Shapes or numbers of rows differ, or a number or word is not allowed.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public Tensor PredictNoise(Tensor images, IReadOnlyList<int> timesteps, IReadOnlyList<string> prompts, double guidanceScale = 1)
    {
        using IDisposable use = Use();
        RequireTensor.Floating(images);
        RequireTensor.Shape(
            images, images.dim() == 4 && images.shape.AsSpan(1).SequenceEqual(ImageShape(1).AsSpan(1)),
            $"[batch, {Config.Channels}, {Config.Height}, {Config.Width}]");
        Schedule.CheckTimesteps(timesteps, images);
        ArgumentNullException.ThrowIfNull(prompts);
        if (prompts.Count != timesteps.Count)
            throw new ArgumentException($"There are {prompts.Count} prompts for {timesteps.Count} images; give one each.", nameof(prompts));
        Require.NotNegative(guidanceScale);
        using DisposeScope scope = NewDisposeScope();
        return Noise(images, timesteps, Guide(prompts, guidanceScale, "")).MoveToOuterDisposeScope();
    }

    /// <summary>Draws one image for each prompt, all at once; equal prompts get different ones.</summary>
    /// <param name="prompts">What they are to show; at least one. The words must be known to the model.</param>
    /// <param name="options">Null = the defaults.</param>
    /// <param name="cancel">Looked at before each step.</param>
    /// <returns>
    /// [B, channels, height, width] float32 in [0, 1]; each a function of the model, the options, its prompt and its place. The caller owns
    /// it.
    /// </returns>
    /// <exception cref="ArgumentException">There is no prompt, a word is not known, or an option is out of range.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public Tensor Generate(IReadOnlyList<string> prompts, ImageGenerationOptions? options = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        options ??= new ImageGenerationOptions();
        return Draw(prompts, [.. prompts.Select((_, row) => PromptSeed.OfSample(options.Seed, row))], options, cancel);
    }

    /// <summary>As the public one, with the seed of the noise of each image.</summary>
    internal Tensor Draw(
        IReadOnlyList<string> prompts, IReadOnlyList<long> seeds, ImageGenerationOptions options, CancellationToken cancel)
    {
        using IDisposable use = Use();
        options.Validated();
        DdimScheduler.CheckSteps(options.NumInferenceSteps, Schedule.Length, nameof(options.NumInferenceSteps));
        if (prompts.Count == 0)
            throw new ArgumentException("There are no prompts; give at least one.", nameof(prompts));
        using DisposeScope scope = NewDisposeScope();
        Generator[] chance = [.. seeds.Select(seed => new Generator(unchecked((ulong)seed)))];
        try
        {
            Guidance guidance = Guide(prompts, options.GuidanceScale, options.NegativePrompt);
            Tensor noise() => cat([.. chance.Select(each => randn(ImageShape(1), generator: each))]).to(Device);
            Tensor drawn = new DdimSampler(this, options.NumInferenceSteps, options.Eta).Run(guidance, noise, cancel);
            return ToPixels(drawn).MoveToOuterDisposeScope();
        }
        finally
        {
            foreach (Generator each in chance)
                each.Dispose();
        }
    }

    /// <summary>Frees the network; images that are being drawn on other threads are finished first.</summary>
    public void Dispose() => _uses.Dispose();

    /// <summary>Keeps it alive until the result is disposed.</summary>
    internal IDisposable Use() => _uses.Enter();

    /// <summary>Pixels in [0, 1] of what the network works with. In the current scope.</summary>
    internal static Tensor ToPixels(Tensor images) => images.detach().Times(0.5).Plus(0.5).Within(0, 1);

    /// <summary>The shape of a batch.</summary>
    internal long[] ImageShape(long rows) => [rows, Config.Channels, Config.Height, Config.Width];

    /// <summary>What the network is told of prompts. In the current scope.</summary>
    internal Guidance Guide(IReadOnlyList<string> prompts, double scale, string negative) => new(
        Words.Shares(prompts, Device), Words.Shares([.. prompts.Select(_ => negative)], Device), scale);

    /// <summary>The noise that it sees, with guidance: both passes in one.</summary>
    internal Tensor Noise(Tensor images, IReadOnlyList<int> timesteps, Guidance guidance)
    {
        if (guidance.Scale == 1)
            return Network.Forward(images, timesteps, guidance.Words);
        using DisposeScope scope = NewDisposeScope();
        Tensor both = Network.Forward(
            cat([images, images]), [.. timesteps, .. timesteps], cat([guidance.Negative, guidance.Words]));
        Tensor[] halves = both.chunk(2);
        return halves[0].Plus(halves[1].Minus(halves[0]).Times(guidance.Scale)).MoveToOuterDisposeScope();
    }

    internal IEnumerable<(string Name, Tensor Value)> Weights(string prefix = "") =>
        Network.named_parameters().Select(weight => (prefix + weight.name, (Tensor)weight.parameter));

    internal string ConfigText() => JsonSerializer.Serialize(Config, Json);

    /// <summary>Reads a shape.</summary>
    /// <exception cref="InvalidDataException">It is no such JSON, or a number is out of range.</exception>
    internal static DenoiserConfig Parse(string json, string source)
    {
        try
        {
            return JsonSerializer.Deserialize<DenoiserConfig>(json, Json)?.Validated() ?? throw new JsonException("It is null.");
        }
        catch (Exception cause) when (cause is JsonException or ArgumentException)
        {
            throw new InvalidDataException($"'{source}' describes no denoising network: {cause.Message}", cause);
        }
    }

    /// <summary>A model of stored weights.</summary>
    /// <exception cref="InvalidDataException">They do not fit the shape.</exception>
    internal static DiffusionModel Build(DenoiserConfig config, IWeightStore store, Device device)
    {
        StoredWeights weights = new(store, UNet.Root, device, ScalarType.Float32);
        using OwnershipGuard<DiffusionModel> model = new(new DiffusionModel(config, weights));
        weights.Check(_ => false, "Save the model again.");
        return model.Release();
    }
}
