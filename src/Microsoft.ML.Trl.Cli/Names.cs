using System.Text;

namespace Microsoft.ML.Trl.Cli;

/// <summary>Names of properties and values as TRL spells them.</summary>
internal static class Names
{
    /// <summary>Such as <c>per_device_train_batch_size</c> for PerDeviceTrainBatchSize.</summary>
    public static string Snake(string name)
    {
        var text = new StringBuilder();
        for (int i = 0; i < name.Length; i++)
        {
            if (i > 0 && char.IsUpper(name[i]) && !char.IsUpper(name[i - 1]))
                text.Append('_');
            text.Append(char.ToLowerInvariant(name[i]));
        }
        return text.ToString();
    }

    /// <summary>A type without its question mark.</summary>
    public static Type Bare(Type type) => Nullable.GetUnderlyingType(type) ?? type;
}
