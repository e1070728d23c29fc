using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>
/// Shape of a denoising network, a small U-Net whose parts have the names of diffusers' <c>UNet2DModel</c>, of its images and of the noise
/// that it takes away. Immutable; make variants with <c>with</c>.
/// </summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record DenoiserConfig
{
    private const int MostChannels = 4096, MostPixels = 4096, MostLevels = 8;

    /// <summary>Channels of an image: 1 = grey, 3 = colour; 1 to 4096.</summary>
    public int Channels { get; init; } = 1;

    /// <summary>Rows of an image; a multiple of 2 to the power of the levels less one; 4096 at most.</summary>
    public required int Height { get; init; }

    /// <summary>Pixels of a row; as <see cref="Height"/>.</summary>
    public required int Width { get; init; }

    /// <summary>
    /// Channels of each level of the network, from the full size of the image to the lowest resolution, which is half as high and wide each
    /// time. 1 to 8 levels; even multiples of <see cref="NormNumGroups"/>.
    /// </summary>
    public IReadOnlyList<int> BlockOutChannels { get; init; } = [32, 64];

    /// <summary>Residual blocks of a level on the way down; on the way up there is one more. 1 to 16.</summary>
    public int LayersPerBlock { get; init; } = 1;

    /// <summary>Groups of the group norms, at least 1.</summary>
    public int NormNumGroups { get; init; } = 8;

    /// <summary>Heads of the attention at the lowest resolution, whose channels they must divide; 0 = no attention.</summary>
    public int NumAttentionHeads { get; init; } = 1;

    /// <summary>
    /// The words that prompts are made of, in lower case; training takes those of its prompts where there are none. A prompt is read as the
    /// mean of its words, whatever their order; the empty prompt asks for nothing.
    /// </summary>
    public IReadOnlyList<string> Words { get; init; } = [];

    /// <summary>The noise.</summary>
    public NoiseScheduleOptions Schedule { get; init; } = new();

    /// <summary>Numbers of an image.</summary>
    internal int ImageSize => Channels * Height * Width;

    /// <summary>This shape, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range; the message names it.</exception>
    internal DenoiserConfig Validated()
    {
        Require.Between(Channels, 1, MostChannels);
        ArgumentNullException.ThrowIfNull(BlockOutChannels);
        ArgumentNullException.ThrowIfNull(Words);
        ArgumentNullException.ThrowIfNull(Schedule);
        Require.Between(BlockOutChannels.Count, 1, MostLevels, "The number of BlockOutChannels");
        int unit = 1 << (BlockOutChannels.Count - 1);
        CheckSide(Height, unit, nameof(Height));
        CheckSide(Width, unit, nameof(Width));
        Require.Between(LayersPerBlock, 1, 16);
        Require.Between(NormNumGroups, 1, MostChannels);
        Require.AtLeast(NumAttentionHeads, 0);
        foreach (int channels in BlockOutChannels)
            if (channels < 1 || channels > MostChannels || channels % 2 != 0 || channels % NormNumGroups != 0)
                throw new ArgumentException(
                    $"BlockOutChannels [{string.Join(", ", BlockOutChannels)}] must be even multiples of NormNumGroups ({NormNumGroups}), "
                    + $"and {MostChannels} at most.", nameof(BlockOutChannels));
        if (NumAttentionHeads > 0 && BlockOutChannels[^1] % NumAttentionHeads != 0)
            throw new ArgumentException(
                $"NumAttentionHeads ({NumAttentionHeads}) must divide the channels of the lowest resolution ({BlockOutChannels[^1]}).",
                nameof(NumAttentionHeads));
        if (Words.Any(word => string.IsNullOrEmpty(word) || word.Any(char.IsWhiteSpace) || word.Any(char.IsUpper))
            || Words.Distinct().Count() != Words.Count)
            throw new ArgumentException(
                $"Words [{string.Join(", ", Words)}] must be different words in lower case, without spaces.", nameof(Words));
        Schedule.Validated();
        return this;
    }

    private static void CheckSide(int pixels, int unit, string name)
    {
        if (pixels < 1 || pixels > MostPixels || pixels % unit != 0)
            throw new ArgumentOutOfRangeException(
                name, $"{name} ({pixels}) must be a multiple of {unit}, since each level halves the image, and {MostPixels} at most.");
    }
}
