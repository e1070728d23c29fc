using Microsoft.ML.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl;

/// <summary>What scores images for DDPO: a function of your own, or a column of an ML.NET transformer. Higher is better.</summary>
public sealed class ImageReward
{
    private readonly Func<Tensor, IReadOnlyList<string>, IReadOnlyList<double>> _score;

    private ImageReward(Func<Tensor, IReadOnlyList<string>, IReadOnlyList<double>> score) => _score = score;

    /// <summary>A function of a whole batch.</summary>
    /// <param name="reward">
    /// From images [B, channels, height, width], float32 in [0, 1], which are only read, and their prompts [B] to rewards [B], finite;
    /// such as <c>(images, _) => images.mean([1, 2, 3])</c>. What it returns is disposed.
    /// </param>
    public static ImageReward OfBatch(Func<Tensor, IReadOnlyList<string>, Tensor> reward)
    {
        ArgumentNullException.ThrowIfNull(reward);
        return new ImageReward((images, prompts) =>
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor rewards = reward(images, prompts)
                ?? throw new InvalidOperationException("The reward returned null; it must return a tensor with a number for each image.");
            if (rewards.IsInvalid || rewards.dim() != 1 || rewards.size(0) != prompts.Count)
                throw new InvalidOperationException(
                    $"The reward returned {(rewards.IsInvalid ? "a disposed tensor" : "shape " + RequireTensor.ShapeOf(rewards))}; it must "
                    + $"return [{prompts.Count}], a number for each image.");
            return rewards.detach().to_type(ScalarType.Float64).cpu().contiguous().data<double>().ToArray();
        });
    }

    /// <summary>A function of one image.</summary>
    /// <param name="reward">From the numbers [channels, height, width] of an image, in [0, 1], and its prompt to a finite reward.</param>
    public static ImageReward OfImage(Func<float[], string, double> reward)
    {
        ArgumentNullException.ThrowIfNull(reward);
        return new ImageReward((images, prompts) => [.. Pixels(images).Zip(prompts, reward)]);
    }

    /// <summary>A column of numbers that a transformer makes of images, such as a classifier's probability.</summary>
    /// <param name="ml">Makes views of the images.</param>
    /// <param name="transformer">Reads the columns of images and prompts, or one of them.</param>
    /// <param name="scoreColumnName">The column with the rewards.</param>
    /// <param name="slot">Place in the vectors of that column, from 0; null = it holds numbers.</param>
    /// <param name="imageColumnName">Column that the images are given in: vectors of [channels, height, width] numbers in [0, 1].</param>
    /// <param name="promptColumnName">Text column that the prompts are given in.</param>
    /// <exception cref="ArgumentException">A name is empty, or the slot negative.</exception>
    public static ImageReward FromTransformer(
        MLContext ml, ITransformer transformer, string scoreColumnName = "Score", int? slot = null,
        string imageColumnName = "Image", string promptColumnName = "Prompt")
    {
        ArgumentNullException.ThrowIfNull(ml);
        ArgumentNullException.ThrowIfNull(transformer);
        Require.Named(scoreColumnName);
        Require.AtLeast(slot, 0);
        Require.Named(imageColumnName);
        Require.Named(promptColumnName);
        return new ImageReward((images, prompts) =>
        {
            IDataView view = transformer.Transform(View(ml, images, prompts, imageColumnName, promptColumnName));
            if (slot is null)
            {
                DataViewSchema.Column number = InputColumns.Number(view.Schema, scoreColumnName, "reward");
                return [.. RowReader.Read(view, [], number).Select(row => row.Value!.Value)];
            }
            DataViewSchema.Column column = InputColumns.Vector(view.Schema, scoreColumnName, "reward");
            return [.. RowReader.Read(view, [], vector: column).Select(row => Slot(row.Vector!, slot.Value, scoreColumnName))];
        });
    }

    /// <summary>Scores images.</summary>
    /// <param name="images">[B, channels, height, width] float32 in [0, 1]; only read.</param>
    /// <param name="prompts">[B] what they were to show.</param>
    /// <returns>[B].</returns>
    /// <exception cref="ArgumentException">There is not one prompt per image.</exception>
    /// <exception cref="InvalidOperationException">The reward threw, or gave not one finite number per image.</exception>
    public IReadOnlyList<double> Score(Tensor images, IReadOnlyList<string> prompts)
    {
        RequireTensor.Floating(images);
        ArgumentNullException.ThrowIfNull(prompts);
        RequireTensor.Shape(images, images.dim() == 4 && images.size(0) == prompts.Count, $"[{prompts.Count}, channels, height, width]");
        IReadOnlyList<double> rewards;
        try
        {
            using IDisposable frozen = no_grad();
            using DisposeScope scope = NewDisposeScope(); // what the caller's function leaves is freed
            rewards = _score(images, prompts);
        }
        catch (Exception cause) when (cause is not OperationCanceledException)
        {
            throw new InvalidOperationException($"The reward failed for {prompts.Count} images: {cause.Message}", cause);
        }
        try
        {
            ImageRewards.Check(rewards, prompts.Count);
            return rewards;
        }
        catch (ArgumentException cause)
        {
            throw new InvalidOperationException($"The reward gave what cannot be learnt from: {cause.Message}", cause);
        }
    }

    /// <summary>The same in training: says which step asked.</summary>
    /// <exception cref="RewardFunctionException">The reward failed.</exception>
    internal IReadOnlyList<double> Score(Tensor images, IReadOnlyList<string> prompts, int step)
    {
        try
        {
            return Score(images, prompts);
        }
        catch (InvalidOperationException cause)
        {
            throw new RewardFunctionException(step, cause.Message, cause.InnerException);
        }
    }

    private static IEnumerable<float[]> Pixels(Tensor images)
    {
        using DisposeScope scope = NewDisposeScope();
        float[] all = images.to_type(ScalarType.Float32).cpu().contiguous().data<float>().ToArray();
        return all.Chunk(all.Length / (int)Math.Max(1, images.size(0)));
    }

    private static IDataView View(MLContext ml, Tensor images, IReadOnlyList<string> prompts, string imageColumn, string promptColumn)
    {
        ScoredImage[] rows = [.. Pixels(images).Zip(prompts, (pixels, prompt) => new ScoredImage { Image = pixels, Prompt = prompt })];
        SchemaDefinition schema = SchemaDefinition.Create(typeof(ScoredImage));
        schema[nameof(ScoredImage.Image)].ColumnType = new VectorDataViewType(NumberDataViewType.Single, rows[0].Image.Length);
        schema[nameof(ScoredImage.Image)].ColumnName = imageColumn;
        schema[nameof(ScoredImage.Prompt)].ColumnName = promptColumn;
        return ml.Data.LoadFromEnumerable(rows, schema);
    }

    private static double Slot(float[] vector, int slot, string column) => slot < vector.Length
        ? vector[slot]
        : throw new InvalidOperationException($"The column '{column}' holds {vector.Length} numbers; there is no slot {slot}.");

    private sealed class ScoredImage
    {
        public float[] Image { get; set; } = [];
        public string Prompt { get; set; } = "";
    }
}
