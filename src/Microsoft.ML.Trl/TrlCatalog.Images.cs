namespace Microsoft.ML.Trl;

public sealed partial class TrlCatalog
{
    /// <summary>Teaches a fresh diffusion model to draw images of prompts.</summary>
    /// <param name="shape">Of the model; its words are those of the prompts where it has none.</param>
    /// <param name="options">Null = the defaults.</param>
    /// <param name="trainingData">Data of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">The shape or an option is out of range; the message names it.</exception>
    public DenoisingTrainer Denoising(
        DenoiserConfig shape, DenoisingOptions? options = null,
        IDataView? trainingData = null, IProgress<StepReport>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(shape);
        StageContext stage = new(_ml, DenoisingTrainer.Stage, null, trainingData, null, progress, cancel);
        return new(stage, shape, null, options ?? new DenoisingOptions());
    }

    /// <summary>Teaches a diffusion model to draw further images.</summary>
    /// <param name="model">What to start from; it is copied, and must live until the stage is fitted.</param>
    /// <param name="options">Null = the defaults.</param>
    /// <param name="trainingData">Data of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every report; null = nobody.</param>
    /// <param name="cancel">Ends training within one step.</param>
    /// <exception cref="ArgumentException">An option is out of range; the message names it.</exception>
    public DenoisingTrainer Denoising(
        DiffusionModel model, DenoisingOptions? options = null,
        IDataView? trainingData = null, IProgress<StepReport>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        StageContext stage = new(_ml, DenoisingTrainer.Stage, null, trainingData, null, progress, cancel);
        return new(stage, null, model, options ?? new DenoisingOptions());
    }

    /// <summary>DDPO, reinforcement learning of the nearest diffusion model upstream.</summary>
    /// <param name="reward">What scores images.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every epoch; null = nobody.</param>
    /// <param name="cancel">Ends training within one epoch.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    public DdpoTrainer Ddpo(
        ImageReward reward, DdpoOptions? options = null,
        IDataView? trainingData = null, IProgress<StepReport>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(reward);
        StageContext stage = new(_ml, DdpoTrainer.Stage, null, trainingData, null, progress, cancel);
        return new(stage, null, reward, options ?? new DdpoOptions());
    }

    /// <summary>DDPO, reinforcement learning of a diffusion model.</summary>
    /// <param name="model">What to start from; it is copied, and must live until the stage is fitted.</param>
    /// <param name="reward">What scores images.</param>
    /// <param name="options">Null = TRL's defaults.</param>
    /// <param name="trainingData">Prompts of its own; null = what comes down the pipeline.</param>
    /// <param name="progress">Told of every epoch; null = nobody.</param>
    /// <param name="cancel">Ends training within one epoch.</param>
    /// <exception cref="ArgumentException">An option is out of range, or options contradict each other; the message names them.</exception>
    public DdpoTrainer Ddpo(
        DiffusionModel model, ImageReward reward, DdpoOptions? options = null,
        IDataView? trainingData = null, IProgress<StepReport>? progress = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(reward);
        StageContext stage = new(_ml, DdpoTrainer.Stage, null, trainingData, null, progress, cancel);
        return new(stage, model, reward, options ?? new DdpoOptions());
    }

    /// <summary>Draws images of prompts with a model as it is.</summary>
    /// <param name="model">It is copied, and must live until the stage is fitted.</param>
    /// <param name="options">How images are drawn; null = the defaults.</param>
    /// <param name="outputColumnName">Column with the images that is added.</param>
    /// <param name="promptColumnName">Text column with the prompts.</param>
    /// <exception cref="ArgumentException">An option is out of range, or a name empty.</exception>
    public ImageGenerationEstimator ImageGeneration(
        DiffusionModel model, ImageGenerationOptions? options = null,
        string outputColumnName = "GeneratedImage", string promptColumnName = "Prompt") =>
        new(_ml, model, new ImageColumns(promptColumnName, outputColumnName), options ?? new ImageGenerationOptions());
}
