using System.Globalization;
using System.Text;

namespace TorchSharp;

public static partial class torch
{
    public static TensorStringStyle TensorStringStyle { get; set; } = TensorStringStyle.Julia;

    public partial class Tensor
    {
        public override string ToString() => ToString(TensorStringStyle.Metadata);

        public string ToString(bool disamb, string fltFormat = null, int? width = null, CultureInfo cultureInfo = null, string newLine = null) =>
            ToString(disamb ? TensorStringStyle.Default : TensorStringStyle.Metadata, fltFormat, width, cultureInfo, newLine);

        /// <summary>Metadata, or metadata and the elements in brackets; long dimensions show their ends.</summary>
        public string ToString(TensorStringStyle style, string fltFormat = null, int? width = null, CultureInfo cultureInfo = null, string newLine = null)
        {
            if (IsInvalid)
                return "<disposed tensor>";
            string title = $"[{string.Join("x", shape)}], type = {dtype}, device = {device}";
            if (style == TensorStringStyle.Default)
                style = TensorStringStyle;
            if (style == TensorStringStyle.Metadata || is_meta)
                return title;
            using Tensor near = to(CPU);
            using Tensor wide = is_floating_point() ? near.to_type(ScalarType.Float64) : is_complex() ? near.to_type(ScalarType.ComplexFloat64) : near.to_type(ScalarType.Int64);
            StringBuilder text = new(style == TensorStringStyle.Numpy ? "" : title + (dim() > 1 ? newLine ?? Environment.NewLine : ", value = "));
            Append(text, wide.detach(), fltFormat ?? "g5", cultureInfo ?? CultureInfo.InvariantCulture, newLine ?? Environment.NewLine, 0);
            return text.ToString();
        }

        private void Append(StringBuilder text, Tensor part, string format, CultureInfo culture, string newLine, int depth)
        {
            using (part)
            {
                if (part.dim() == 0)
                {
                    Scalar value = part.ToScalar();
                    text.Append(dtype == ScalarType.Bool ? value.ToBoolean().ToString() : part.is_floating_point() ? value.ToDouble().ToString(format, culture)
                        : part.is_complex() ? value.ToComplexFloat64().ToString(format, culture) : value.ToInt64().ToString(culture));
                    return;
                }
                long length = part.shape[0];
                text.Append('[');
                for (long k = 0; k < length; k++)
                {
                    if (k > 0)
                        text.Append(part.dim() > 1 ? "," + newLine + new string(' ', depth + 1) : " ");
                    if (length > 12 && k == 6)
                    {
                        text.Append("...");
                        k = length - 7;
                        continue;
                    }
                    Append(text, part.select(0, k), format, culture, newLine, depth + 1);
                }
                text.Append(']');
            }
        }
    }
}
