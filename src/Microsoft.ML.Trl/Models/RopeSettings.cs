namespace Microsoft.ML.Trl;

/// <summary>Rotary position embedding of the LLaMA family: arXiv:2104.09864, with the context extensions of its checkpoints.</summary>
public sealed record RopeSettings
{
    /// <summary>Largest width of a head whose angles are worked out; a hundred times that of any known model.</summary>
    internal const int WidestHead = 65_536;

    private static readonly string[] Types = ["default", "linear", "llama3"];

    /// <summary>Base of the wave lengths. Greater than 0.</summary>
    public double Theta { get; init; } = 10_000;

    /// <summary><c>default</c>, <c>linear</c> (arXiv:2306.15595) or <c>llama3</c> (the LLaMA 3.1 model card).</summary>
    public string Type { get; init; } = "default";

    /// <summary>How many times longer the context became; used by <c>linear</c> and <c>llama3</c>.</summary>
    public double Factor { get; init; } = 1;

    /// <summary><c>llama3</c>: waves longer than the original context divided by this are slowed by <see cref="Factor"/>.</summary>
    public double LowFrequencyFactor { get; init; } = 1;

    /// <summary><c>llama3</c>: waves shorter than the original context divided by this stay as they are.</summary>
    public double HighFrequencyFactor { get; init; } = 4;

    /// <summary><c>llama3</c>: context length before the extension, in tokens.</summary>
    public int OriginalContextLength { get; init; } = 8192;

    /// <summary>Checks that angles follow from these numbers.</summary>
    /// <param name="source">What they came from, for messages.</param>
    /// <exception cref="InvalidDataException">They do not.</exception>
    /// <exception cref="NotSupportedException">There is no such <see cref="Type"/>.</exception>
    internal void Check(string source)
    {
        if (!Types.Contains(Type))
            throw new NotSupportedException(
                $"{source}: rotary positions of type '{Type}' are not supported; supported are {string.Join(", ", Types)}.");
        double[] numbers = [Theta, Factor, LowFrequencyFactor, HighFrequencyFactor, OriginalContextLength];
        if (!numbers.All(number => number > 0 && double.IsFinite(number)) || HighFrequencyFactor <= LowFrequencyFactor)
            throw new InvalidDataException(
                $"{source}: the rotary settings {this} need positive numbers and a high_freq_factor above the low_freq_factor.");
    }

    /// <summary>Turns per token of each pair of dimensions, in radians.</summary>
    /// <param name="headSize">Width of a head; even.</param>
    /// <returns>headSize / 2 numbers.</returns>
    internal float[] Frequencies(int headSize)
    {
        float[] frequencies = new float[headSize / 2];
        for (int i = 0; i < frequencies.Length; i++)
            frequencies[i] = Scaled(1f / MathF.Pow((float)Theta, 2f * i / headSize));
        return frequencies;
    }

    private float Scaled(float frequency) => Type switch
    {
        "linear" => (float)(frequency / Factor),
        "llama3" => Llama3(frequency),
        _ => frequency,
    };

    private float Llama3(float frequency)
    {
        double wave = 2 * Math.PI / frequency;
        if (wave < OriginalContextLength / HighFrequencyFactor)
            return frequency;
        if (wave > OriginalContextLength / LowFrequencyFactor)
            return (float)(frequency / Factor);
        double kept = ((OriginalContextLength / wave) - LowFrequencyFactor) / (HighFrequencyFactor - LowFrequencyFactor);
        return (float)(((1 - kept) * frequency / Factor) + (kept * frequency));
    }
}
