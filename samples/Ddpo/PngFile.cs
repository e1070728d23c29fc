using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace DdpoSample;

/// <summary>Writes grey pictures side by side as a PNG file (ISO/IEC 15948).</summary>
internal static class PngFile
{
    private const int Zoom = 4, Gap = 1;

    /// <summary>A sheet of square pictures.</summary>
    /// <param name="path">Replaced where it is there.</param>
    /// <param name="images">Rows of pixels in [0, 1], each as long.</param>
    /// <param name="perRow">Pictures of a row of the sheet.</param>
    public static void Write(string path, IReadOnlyList<float[]> images, int perRow)
    {
        int side = (int)Math.Sqrt(images[0].Length), cell = (side + Gap) * Zoom;
        int width = perRow * cell, height = (images.Count + perRow - 1) / perRow * cell;
        byte[] rows = new byte[height * (width + 1)]; // each begins with the number of its filter, 0 = none
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
            {
                int number = (y / cell * perRow) + (x / cell), row = y % cell / Zoom, column = x % cell / Zoom;
                bool isInside = number < images.Count && row < side && column < side;
                rows[(y * (width + 1)) + 1 + x] = isInside ? (byte)Math.Round(255 * images[number][(row * side) + column]) : (byte)128;
            }
        using FileStream file = File.Create(path);
        file.Write([0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]);
        byte[] header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        header[8] = 8; // bits of a pixel, which is grey
        WriteChunk(file, "IHDR", header);
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
            zlib.Write(rows);
        WriteChunk(file, "IDAT", packed.ToArray());
        WriteChunk(file, "IEND", []);
    }

    private static void WriteChunk(FileStream file, string kind, byte[] content)
    {
        byte[] chunk = [.. Encoding.ASCII.GetBytes(kind), .. content], number = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, content.Length);
        file.Write(number);
        file.Write(chunk);
        uint sum = ~chunk.Aggregate(uint.MaxValue, Crc);
        BinaryPrimitives.WriteUInt32BigEndian(number, sum);
        file.Write(number);
    }

    private static uint Crc(uint sum, byte next)
    {
        sum ^= next;
        for (int bit = 0; bit < 8; bit++)
            sum = (sum >> 1) ^ ((sum & 1) * 0xEDB88320);
        return sum;
    }
}
