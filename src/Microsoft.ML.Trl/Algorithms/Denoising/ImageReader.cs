namespace Microsoft.ML.Trl.Algorithms.Denoising;

/// <summary>An image to learn from.</summary>
/// <param name="Prompt">What it shows.</param>
/// <param name="Pixels">[channels, height, width] in [0, 1].</param>
internal sealed record ImageExample(string Prompt, float[] Pixels);

/// <summary>Reads images with their prompts.</summary>
internal static class ImageReader
{
    /// <summary>All rows.</summary>
    /// <param name="data">Enumerated once.</param>
    /// <param name="options">Say which columns.</param>
    /// <param name="shape">Says how large images are.</param>
    /// <exception cref="ArgumentException">A column is missing, an image does not fit, or there is no row.</exception>
    public static IReadOnlyList<ImageExample> Read(IDataView data, DenoisingOptions options, DenoiserConfig shape)
    {
        var prompt = InputColumns.Text(data.Schema, options.PromptColumnName, "prompt");
        var image = InputColumns.Vector(data.Schema, options.ImageColumnName, "image");
        var examples = new List<ImageExample>();
        foreach (TextRow row in RowReader.Read(data, [prompt], vector: image))
        {
            float[] pixels = row.Vector!;
            if (pixels.Length != shape.ImageSize)
                throw new ArgumentException(
                    $"Row {row.Number} has {pixels.Length} numbers in the column '{options.ImageColumnName}', but an image has "
                    + $"{shape.Channels} x {shape.Height} x {shape.Width} = {shape.ImageSize}. Resize the images, or change the shape.");
            int strange = Array.FindIndex(pixels, pixel => !(pixel >= 0 && pixel <= 1));
            if (strange >= 0)
                throw new ArgumentException(FormattableString.Invariant(
                    $"Row {row.Number} has {pixels[strange]} at place {strange} of the column '{options.ImageColumnName}'; pixels must ")
                    + "lie between 0 and 1: divide bytes by 255.");
            examples.Add(new ImageExample(row.Texts[0], pixels));
        }
        return examples.Count > 0 ? examples : throw new RowCounts().NothingLeft();
    }
}
