namespace Microsoft.ML.Trl;

/// <summary>Rotary position embedding of the LLaMA family: arXiv:2104.09864, with the context extensions of its checkpoints.</summary>
public sealed record RopeSettings
{
    /// <summary>Largest width of a head whose angles are worked out; a hundred times that of any known model.</summary>
    internal const int WidestHead = 65_536;

    private static readonly string[] Types = ["default", "linear", "dynamic", "llama3", "yarn"];

    /// <summary>Base of the wave lengths. Greater than 0.</summary>
    public double Theta { get; init; } = 10_000;

    /// <summary>
    /// <c>default</c>, <c>linear</c> (arXiv:2306.15595), <c>dynamic</c> (which within the context is the default), <c>llama3</c> (the LLaMA
    /// 3.1 model card) or <c>yarn</c> (arXiv:2309.00071).
    /// </summary>
    public string Type { get; init; } = "default";

    /// <summary>How many times longer the context became; used by <c>linear</c>, <c>llama3</c> and <c>yarn</c>.</summary>
    public double Factor { get; init; } = 1;

    /// <summary><c>llama3</c>: waves longer than the original context divided by this are slowed by <see cref="Factor"/>.</summary>
    public double LowFrequencyFactor { get; init; } = 1;

    /// <summary><c>llama3</c>: waves shorter than the original context divided by this stay as they are.</summary>
    public double HighFrequencyFactor { get; init; } = 4;

    /// <summary><c>llama3</c> and <c>yarn</c>: context length before the extension, in tokens.</summary>
    public int OriginalContextLength { get; init; } = 8192;

    /// <summary><c>yarn</c>: dimensions that turn more often than this in the original context stay as they are.</summary>
    public double BetaFast { get; init; } = 32;

    /// <summary><c>yarn</c>: dimensions that turn less often than this are slowed by <see cref="Factor"/>.</summary>
    public double BetaSlow { get; init; } = 1;

    /// <summary><c>yarn</c>: length of queries and keys, relative to before; null = 0.1 ln(<see cref="Factor"/>) + 1.</summary>
    public double? AttentionFactor { get; init; }

    /// <summary>Length of queries and keys, relative to before they are turned.</summary>
    internal double Scale => Type != "yarn" ? 1 : AttentionFactor ?? (Factor <= 1 ? 1 : (0.1 * Math.Log(Factor)) + 1);

    /// <summary>Checks that angles follow from these numbers.</summary>
    /// <param name="source">What they came from, for messages.</param>
    /// <exception cref="InvalidDataException">They do not.</exception>
    /// <exception cref="NotSupportedException">There is no such <see cref="Type"/>.</exception>
    internal void Check(string source)
    {
        if (!Types.Contains(Type))
            throw new NotSupportedException(
                $"{source}: rotary positions of type '{Type}' are not supported; supported are {string.Join(", ", Types)}.");
        double[] numbers =
            [Theta, Factor, LowFrequencyFactor, HighFrequencyFactor, OriginalContextLength, BetaSlow, AttentionFactor ?? 1];
        if (!numbers.All(number => number > 0 && double.IsFinite(number)) || HighFrequencyFactor <= LowFrequencyFactor
            || BetaFast <= BetaSlow)
            throw new InvalidDataException(
                $"{source}: the rotary settings {this} need positive numbers, a high_freq_factor above the low_freq_factor and a "
                + "beta_fast above beta_slow.");
    }

    /// <summary>Turns per token of each pair of dimensions, in radians.</summary>
    /// <param name="headSize">Width of a head; even.</param>
    /// <returns>headSize / 2 numbers.</returns>
    internal float[] Frequencies(int headSize)
    {
        if (Type == "yarn")
            return Yarn(headSize);
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

    /// <summary>arXiv:2309.00071, Eq. 13 and 14: between the two betas both frequencies are mixed.</summary>
    private float[] Yarn(int width)
    {
        double Dimension(double turns) => width * Math.Log(OriginalContextLength / (turns * 2 * Math.PI)) / (2 * Math.Log(Theta));
        double low = Math.Max(0, Math.Floor(Dimension(BetaFast))), high = Math.Min(width - 1, Math.Ceiling(Dimension(BetaSlow)));
        if (low == high)
            high += 0.001;
        float[] frequencies = new float[width / 2];
        for (int i = 0; i < frequencies.Length; i++)
        {
            double frequency = 1 / Math.Pow(Theta, 2.0 * i / width), slowed = Math.Clamp((i - low) / (high - low), 0, 1);
            frequencies[i] = (float)((frequency / Factor * slowed) + (frequency * (1 - slowed)));
        }
        return frequencies;
    }
}
